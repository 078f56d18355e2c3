#!/bin/sh
# Models on a host, for whoever distributes them.
#
#   place.sh sums HOME CONFIG               SHA-256 of the champion's .json and .pth, `none` for what is not there
#   place.sh take HOME NAME                 standard input into models/NAME, whole or not at all
#   place.sh swap HOME CONFIG JSON PTH      put what was taken in the champion's place, if it has these checksums
#
# ringrift/fleet/distribution.py puts the arguments in front of this text.
set -u

sum_of() {
    if [ ! -e "$1" ]; then
        echo none
    elif command -v sha256sum >/dev/null; then
        sha256sum <"$1" | cut -c 1-64
    else
        shasum -a 256 <"$1" | cut -c 1-64
    fi
}

main() {
    verb=$1
    case $2 in \~) home=$HOME ;; \~/*) home=$HOME/${2#??} ;; *) home=$2 ;; esac
    folder=$home/models
    mkdir -p "$folder" && cd "$folder" || exit 3
    best=ringrift_best_$3
    case $verb in
    sums)
        sum_of "$best.json"
        sum_of "$best.pth"
        ;;
    take)
        cat >".$3.coming" || exit 3
        ;;
    swap)
        for each in json pth; do
            if [ "$each" = json ]; then wanted=$4; else wanted=$5; fi
            if [ "$(sum_of ".$best.$each.coming")" != "$wanted" ]; then
                rm -f ".$best.$each.coming"
                echo "$best.$each came damaged" >&2
                exit 3
            fi
        done
        # The .json first: a .pth without its description is no model. Whoever reads in between looks again.
        mv -f ".$best.json.coming" "$best.json" && mv -f ".$best.pth.coming" "$best.pth" || exit 3
        ;;
    esac
}

# The last line, so that of a text that was cut on its way nothing is done.
main "$@"
