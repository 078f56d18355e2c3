"""A slow, plain reading of docs/RULES.md, section by section: the second opinion on what the compiled rules say.

It is written from that page alone, for people who want to check it against the page, and without a thought for speed.
It shares no code with the engine. Positions come and go as the JSON of the reference games, and actions have the short
keys of tests/traces/README.md, so that both can be compared with anybody's rules. A recovery is played as up to three
decisions (§8): the slide, the line, and the paying stack, whose key is `EX cell`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from tests.game.plain_state import (
    Board,
    Cell,
    Position,
    cap_height,
    collapse,
    eliminate,
    extract,
    holds_buried,
    key,
    keys,
    opposite,
    set_stack,
    step,
    top,
)

# §3 The turn

Actions = dict[str, Callable[[Position], None]]
"""The legal actions of a position by their keys; each changes the position that it is given."""

SKIPS = ("SP", "SC", "SR", "ST")
NO_ACTIONS = ("NP", "NM", "NL", "NT")


def legal(p: Position) -> Actions:
    """All legal actions."""
    return PHASES[p.phase](p)


def play(p: Position, action: str) -> Position:
    """The position after a legal action."""
    effect = legal(p)[action]
    actor = p.player
    p = p.copy()
    if actor == 2:
        p.swap_open = False
    if action not in (*SKIPS, *NO_ACTIONS, "SW"):
        p.changed = True
    effect(p)
    if p.owed not in ("choice", "extraction"):  # a recovery is one move in records, and judged when it is whole
        judge(p, actor)
    note_losses(p)
    return p


def ring_placement(p: Position) -> Actions:
    actions = placements(p)
    if p.hand[p.player] > 0 and (can_act(p, p.player) or may_recover(p)):
        actions["SP"] = to_movement
    if not actions:
        actions["NP"] = to_movement
    if p.swap_open and p.player == 2:
        actions["SW"] = swap_sides
    return actions


def to_movement(p: Position) -> None:
    p.phase = "movement"


def movement(p: Position) -> Actions:
    if p.owed == "choice":
        return recovery_lines(p)
    if p.owed == "extraction":
        return extractions(p)
    if p.must_move:
        return moves(p, p.must_move)
    if may_recover(p):
        return recovery_slides(p) | {"SR": to_lines}
    actions: Actions = {}
    for cell in p.controlled(p.player):
        actions |= moves(p, cell)
    return actions or {"NM": to_lines}


def capture(p: Position) -> Actions:
    assert p.capturer
    return capture_segments(p, p.capturer, "OC") | {"SC": to_lines}


def chain_capture(p: Position) -> Actions:
    assert p.capturer
    return capture_segments(p, p.capturer, "CC")


def to_lines(p: Position) -> None:
    p.phase = "line_processing"
    p.must_move = p.capturer = None


def line_processing(p: Position) -> Actions:
    if p.owed == "line":
        return {f"EL {key(cell)} line": partial(pay_for_line, cell=cell) for cell in p.controlled(p.player)}
    actions: Actions = {}
    for line in lines(p):
        actions |= line_choices(p, line, process_line)
    return actions or {"NL": leave_lines}


def leave_lines(p: Position) -> None:
    p.phase = "territory_processing"
    if not eligible_regions(p) and must_lose_a_cap(p):
        p.phase = "forced_elimination"


def territory_processing(p: Position) -> Actions:
    if p.owed == "territory":
        return territory_prices(p)
    actions: Actions = {f"TR {keys(sorted(region))}": partial(claim, region=region) for region in eligible_regions(p)}
    if actions:
        return actions | {"ST": leave_territory}
    return {"NT": leave_territory}


def leave_territory(p: Position) -> None:
    if must_lose_a_cap(p):
        p.phase = "forced_elimination"
    else:
        end_turn(p)


def must_lose_a_cap(p: Position) -> bool:
    return not p.changed and bool(p.controlled(p.player))


def end_turn(p: Position) -> None:
    """Pass the turn to the next seat with material."""
    note_losses(p)
    p.phase = "ring_placement"
    p.changed = p.recovered = False
    p.turn += 1
    for offset in range(1, p.players + 1):
        seat = (p.player - 1 + offset) % p.players + 1
        if p.has_material(seat):
            p.player = seat
            pass_turn(p)
            return


# §4 Placement


def placements(p: Position) -> Actions:
    actions: Actions = {}
    hand = p.hand[p.player]
    for cell in p.board.cells:
        if cell in p.stacks and hand:
            counts, suffix = [1], "s"
        elif p.is_empty(cell):
            counts, suffix = list(range(1, min(3, hand) + 1)), ""
        else:
            continue
        for count in counts:
            stack = p.stacks.get(cell, "") + str(p.player) * count
            if stack_can_act(p, cell, stack):  # no dead placement
                actions[f"PR {key(cell)} {count}{suffix}"] = partial(place, cell=cell, count=count)
    return actions


def place(p: Position, cell: Cell, count: int) -> None:
    p.hand[p.player] -= count
    p.stacks[cell] = p.stacks.get(cell, "") + str(p.player) * count
    p.must_move = cell
    to_movement(p)


# §5 Movement and capture


def slides(p: Position, start: Cell, stack: str) -> Iterator[Cell]:
    """Where a stack could slide to if it stood on `start`."""
    for direction in p.board.directions:
        for distance, cell in enumerate(p.board.ray(start, direction), 1):
            if cell in p.stacks or cell in p.collapsed:
                break
            if distance >= len(stack):
                yield cell


def captures(p: Position, start: Cell, stack: str) -> Iterator[tuple[Cell, Cell]]:
    """What a stack could capture if it stood on `start`: target and landing."""
    for direction in p.board.directions:
        target = None
        for distance, cell in enumerate(p.board.ray(start, direction), 1):
            if cell in p.collapsed:
                break
            if cell in p.stacks:
                if target or cap_height(p.stacks[cell]) > cap_height(stack):
                    break
                target = cell
            elif target and distance >= len(stack):
                yield target, cell


def stack_can_act(p: Position, cell: Cell, stack: str) -> bool:
    return any(True for _ in slides(p, cell, stack)) or any(True for _ in captures(p, cell, stack))


def can_act(p: Position, player: int) -> bool:
    """Whether a player has a real slide or capture."""
    return any(stack_can_act(p, cell, p.stacks[cell]) for cell in p.controlled(player))


def moves(p: Position, start: Cell) -> Actions:
    actions: Actions = {}
    for landing in slides(p, start, p.stacks[start]):
        actions[f"MS {key(start)}>{key(landing)}"] = partial(slide, start=start, landing=landing)
    return actions | capture_segments(p, start, "OC")


def capture_segments(p: Position, start: Cell, name: str) -> Actions:
    return {
        f"{name} {key(start)}*{key(target)}>{key(landing)}": partial(
            capture_segment, start=start, target=target, landing=landing
        )
        for target, landing in captures(p, start, p.stacks[start])
    }


def slide(p: Position, start: Cell, landing: Cell) -> None:
    stack = depart(p, start, landing)
    arrive(p, stack, landing)
    go_on(p, landing, "capture")


def capture_segment(p: Position, start: Cell, target: Cell, landing: Cell) -> None:
    stack = depart(p, start, landing)
    taken = p.stacks[target]
    set_stack(p, target, taken[:-1])
    arrive(p, taken[-1] + stack, landing)
    go_on(p, landing, "chain_capture")


def depart(p: Position, start: Cell, landing: Cell) -> str:
    """Effect 1: the stack leaves a marker, and the markers on its way flip or collapse."""
    (path,) = (ray for d in p.board.directions if landing in (ray := p.board.ray(start, d)))
    for cell in path[: path.index(landing)]:
        if p.markers.get(cell) == p.player:
            collapse(p, cell)
        elif cell in p.markers:
            p.markers[cell] = p.player
    p.markers[start] = p.player
    return p.stacks.pop(start)


def arrive(p: Position, stack: str, landing: Cell) -> None:
    """Effects 2 and 3: the stack stands on its landing cell; a marker there costs its top ring."""
    p.stacks[landing] = stack
    if p.markers.pop(landing, None):
        eliminate(p, landing, 1)


def go_on(p: Position, landing: Cell, phase: str) -> None:
    """Enter the given capture phase if the stack that has landed is still the mover's and can capture."""
    stack = p.stacks.get(landing)
    if stack and top(stack) == p.player and any(True for _ in captures(p, landing, stack)):
        p.phase = phase
        p.capturer = landing
        p.must_move = landing if p.must_move else None
    else:
        to_lines(p)


# §6 Lines


def run_through(p: Position, cell: Cell, axis: Cell, player: int) -> list[Cell]:
    """The run of a player's markers along an axis that a cell is in, from its end against the axis on."""
    run = [cell]
    for other in p.board.ray(cell, axis):
        if p.markers.get(other) != player:
            break
        run.append(other)
    for other in p.board.ray(cell, opposite(axis)):
        if p.markers.get(other) != player:
            break
        run.insert(0, other)
    return run


def lines(p: Position) -> list[list[Cell]]:
    """The lines of the player."""
    found = []
    for axis in p.board.axes:
        for cell, owner in p.markers.items():
            if owner == p.player:
                run = run_through(p, cell, axis, p.player)
                if run[0] == cell and len(run) >= p.line_length:
                    found.append(run)
    return found


def line_choices(p: Position, line: list[Cell], effect: Callable[..., None]) -> Actions:
    """Process a line of exact length; of a longer one collapse all or a window."""
    if len(line) == p.line_length:
        return {f"PL {keys(line)}": partial(effect, cells=line, whole=True)}
    actions: Actions = {f"LO {keys(line)}=all": partial(effect, cells=line, whole=True)}
    for first in range(len(line) - p.line_length + 1):
        window = line[first : first + p.line_length]
        actions[f"LO {keys(line)}={keys(window)}"] = partial(effect, cells=window, whole=False)
    return actions


def process_line(p: Position, cells: list[Cell], whole: bool) -> None:
    for cell in cells:
        collapse(p, cell)
    if whole and p.controlled(p.player):
        p.owed = "line"
    elif not lines(p):
        leave_lines(p)


def pay_for_line(p: Position, cell: Cell) -> None:
    eliminate(p, cell, 1)
    p.owed = None


# §7 Territory


def components(board: Board, cells: set[Cell]) -> Iterator[frozenset[Cell]]:
    """The connected components of a set of cells."""
    rest = set(cells)
    while rest:
        found = {rest.pop()}
        new = list(found)
        while new:
            near = [cell for cell in board.around(new.pop()) if cell in rest]
            rest.difference_update(near)
            found.update(near)
            new.extend(near)
        yield frozenset(found)


def controlling(p: Position, region: frozenset[Cell]) -> set[int]:
    """The players that control a stack in a region."""
    return {top(stack) for cell, stack in p.stacks.items() if cell in region}


def regions(p: Position) -> set[frozenset[Cell]]:
    colours = {int(ring) for stack in p.stacks.values() for ring in stack}
    open_cells = p.board.on_board - p.collapsed.keys()
    found = {region for region in components(p.board, set(open_cells)) if len(controlling(p, region)) == 1}
    for border in set(p.markers.values()):
        walls = {cell for cell, owner in p.markers.items() if owner == border}
        found.update(components(p.board, set(open_cells - walls)))
    return {region for region in found if controlling(p, region) < colours}


def eligible_regions(p: Position) -> list[frozenset[Cell]]:
    def is_eligible(region: frozenset[Cell]) -> bool:
        outside = [stack for cell, stack in p.stacks.items() if cell not in region]
        if p.recovered:
            return any(holds_buried(stack, p.player) for stack in outside)
        return any(top(stack) == p.player for stack in outside)

    return [region for region in regions(p) if is_eligible(region)]


def border_markers(p: Position, region: frozenset[Cell]) -> set[Cell]:
    outside = p.markers.keys() - region
    border = {cell for cell in outside if region.intersection(p.board.around(cell))}
    new = list(border) if p.board.name != "hexagonal" else []
    while new:
        near = [cell for cell in p.board.kings_steps(new.pop()) if cell in outside and cell not in border]
        border.update(near)
        new.extend(near)
    return border


def claim(p: Position, region: frozenset[Cell]) -> None:
    border = border_markers(p, region)
    for cell in region:
        p.credited[p.player] += len(p.stacks.pop(cell, ""))
        collapse(p, cell)
    for cell in border:
        collapse(p, cell)
    p.owed = "territory"


def territory_prices(p: Position) -> Actions:
    if p.recovered:
        buried = [cell for cell, stack in p.stacks.items() if holds_buried(stack, p.player)]
        return {f"EL {key(cell)} recovery": partial(pay_for_region, cell=cell) for cell in buried}
    return {f"EL {key(cell)} territory": partial(pay_for_region, cell=cell) for cell in p.controlled(p.player)}


def pay_for_region(p: Position, cell: Cell) -> None:
    if p.recovered:
        extract(p, cell)
    else:
        eliminate(p, cell, cap_height(p.stacks[cell]))
    p.owed = None
    # The page leaves open that this comes before the turn passes on; only the tracker of a won game shows it.
    judge(p, p.player)
    if not p.winner and not eligible_regions(p):
        leave_territory(p)


# §8 Recovery


def may_recover(p: Position) -> bool:
    buried = any(holds_buried(stack, p.player) for stack in p.stacks.values())
    return not p.controlled(p.player) and p.player in p.markers.values() and buried


def recovery_slides(p: Position) -> Actions:
    line_slides: Actions = {}
    others: Actions = {}
    for start in [cell for cell, owner in p.markers.items() if owner == p.player]:
        for landing in (step(start, direction) for direction in p.board.directions):
            if landing not in p.board.on_board:
                continue
            name = f"RS {key(start)}>{key(landing)}"
            if p.is_empty(landing):
                after = p.copy()
                del after.markers[start]
                effect = partial(slide_marker, start=start, landing=landing)
                if runs_of_recovery(after, landing):
                    line_slides[f"{name} line"] = effect
                others[f"{name} fallback"] = effect
            elif landing in p.stacks:
                others[f"{name} stack_strike"] = partial(strike, start=start, landing=landing)
    return line_slides or others


def runs_of_recovery(p: Position, landing: Cell) -> list[list[Cell]]:
    """The runs through the cell of the marker that has slid that are long enough to collapse."""
    runs = [run_through(p, landing, axis, p.player) for axis in p.board.axes]
    return [run for run in runs if len(run) >= p.line_length]


def slide_marker(p: Position, start: Cell, landing: Cell) -> None:
    p.recovered = True
    del p.markers[start]
    p.markers[landing] = p.player
    if runs_of_recovery(p, landing):
        p.owed, p.slid_to = "choice", landing
    else:
        p.owed = "extraction"


def strike(p: Position, start: Cell, landing: Cell) -> None:
    p.recovered = True
    del p.markers[start]
    eliminate(p, landing, 1)
    p.owed = "extraction"


def recovery_lines(p: Position) -> Actions:
    actions: Actions = {}
    assert p.slid_to
    for run in runs_of_recovery(p, p.slid_to):
        for name, effect in line_choices(p, run, recovery_line).items():
            if p.slid_to in effect.keywords["cells"]:  # type: ignore[attr-defined]
                actions[name] = effect
    return actions


def recovery_line(p: Position, cells: list[Cell], whole: bool) -> None:
    for cell in cells:
        collapse(p, cell)
    p.slid_to = None
    p.owed = "extraction" if whole else None
    if not p.owed:
        to_lines(p)


def extractions(p: Position) -> Actions:
    """The stacks that could pay before the slide: all with a ring of the player, for the player controlled none."""
    holding = [cell for cell, stack in p.stacks.items() if str(p.player) in stack]
    return {f"EX {key(cell)}": partial(pay_by_extraction, cell=cell) for cell in holding}


def pay_by_extraction(p: Position, cell: Cell) -> None:
    extract(p, cell)
    p.owed = None
    to_lines(p)


# §9 Forced elimination


def forced_elimination(p: Position) -> Actions:
    return {f"FE {key(cell)}": partial(lose_cap, cell=cell) for cell in p.controlled(p.player)}


def lose_cap(p: Position, cell: Cell) -> None:
    eliminate(p, cell, cap_height(p.stacks[cell]))
    end_turn(p)


# §10 Victory and the end


def judge(p: Position, actor: int) -> None:
    """Decide whether the game has ended; the checks overrule the win over rounds."""
    decided = by_elimination(p) or by_territory(p) or by_material(p) or by_stalemate(p, actor)
    if decided:
        p.winner, p.reason = decided
    if p.winner:
        p.phase, p.player = "game_over", p.winner
        p.must_move = p.capturer = p.owed = None
        p.changed = p.recovered = False


Decision = tuple[int, str] | None


def by_elimination(p: Position) -> Decision:
    goal = p.board.elimination_goal(p.players)
    return next(((seat, "ring_elimination") for seat in p.seats if p.credited[seat] >= goal), None)


def by_territory(p: Position) -> Decision:
    for seat in p.seats:
        own = p.territory(seat)
        if own >= p.board.territory_minimum(p.players) and own > len(p.collapsed) - own:
            return seat, "territory"
    return None


def by_material(p: Position) -> Decision:
    controllers = {top(stack) for stack in p.stacks.values()}
    if len(controllers) == 1:
        (seat,) = controllers
        if not any(p.has_material(other) for other in p.seats if other != seat):
            return seat, "last_player_standing_material"
    return None


def by_stalemate(p: Position, actor: int) -> Decision:
    if p.stacks:
        return None
    holders = [seat for seat in p.seats if p.hand[seat]]
    if holders and any(p.is_empty(cell) and stack_can_act(p, cell, "1") for cell in p.board.cells):
        return None

    def standing(seat: int) -> tuple[int, ...]:
        rings = p.credited[seat] + p.hand[seat]
        return p.territory(seat), rings, p.marker_count(seat), seat == actor, -seat

    return max(p.seats, key=standing), "stalemate"


def real_action_available(p: Position, player: int) -> bool:
    """Whether a player would have a placement, slide or capture at the start of a turn."""
    return can_act(p, player) or bool(placements(replace(p, player=player)))


def pass_turn(p: Position) -> None:
    """Keep the tracker as the turn passes to `p.player`, and judge the win over rounds."""
    rounds = p.rounds
    if rounds.first is None or not p.has_material(rounds.first):
        start_round(p)
        rounds.exclusive = None
        if rounds.counted and not p.has_material(rounds.counted):
            rounds.count, rounds.counted = 0, None
    elif rounds.first == p.player and rounds.marks:
        available = [seat for seat, able in rounds.marks.items() if able and p.has_material(seat)]
        if len(available) == 1:
            (rounds.exclusive,) = available
            rounds.count = rounds.count + 1 if rounds.counted == rounds.exclusive else 1
            rounds.counted = rounds.exclusive
        else:
            rounds.exclusive = rounds.counted = None
            rounds.count = 0
        start_round(p)
    able = rounds.marks[p.player] = real_action_available(p, p.player)
    others = [seat for seat in p.seats if seat != p.player and p.has_material(seat)]
    exclusive = rounds.count >= 3 and rounds.counted == p.player and able
    if exclusive and not any(real_action_available(p, seat) for seat in others):
        p.winner, p.reason = p.player, "last_player_standing_rounds"


def start_round(p: Position) -> None:
    p.rounds.number += 1
    p.rounds.first = p.player
    p.rounds.marks = {}


def note_losses(p: Position) -> None:
    for seat in p.seats:
        if not p.has_material(seat):
            p.lost_at.setdefault(seat, p.turn)


def ranks(p: Position) -> tuple[int, ...]:
    """The final ranks by seat; ties share a rank and the next is skipped."""

    def standing(seat: int) -> tuple[float, ...]:
        lost = p.lost_at.get(seat, float("inf"))
        return seat == p.winner, p.territory(seat), p.credited[seat], p.marker_count(seat), lost

    standings = [standing(seat) for seat in p.seats]
    return tuple(1 + sum(other > own for other in standings) for own in standings)


# §11 Pie rule


def swap_sides(p: Position) -> None:
    """Exchange who plays which seat: nothing on the board."""


PHASES: dict[str, Callable[[Position], Actions]] = {
    "ring_placement": ring_placement,
    "movement": movement,
    "capture": capture,
    "chain_capture": chain_capture,
    "line_processing": line_processing,
    "territory_processing": territory_processing,
    "forced_elimination": forced_elimination,
    "game_over": lambda _: {},
}
