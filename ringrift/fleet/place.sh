#!/bin/sh
# Models on a host, for whoever distributes them.
#
#   place.sh sums HOME CONFIG                    SHA-256 of the champion's .json and .pth, `none` for what is not there
#   place.sh take HOME CONFIG ENDING CALLER      standard input is the .json or the .pth of the next champion
#   place.sh swap HOME CONFIG JSON PTH CALLER    put what was taken in the champion's place, if it has these checksums
#
# CALLER is another word for each who calls, so that two at once do not write to the same files.
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
        # What was cut or killed on its way; nothing takes an hour.
        find . -maxdepth 1 -name '.ringrift_best_*.coming' -mmin +60 -exec rm -f {} +
        cat >".$best.$5.$4.coming" || {
            rm -f ".$best.$5".*.coming
            exit 3
        }
        ;;
    swap)
        for each in json pth; do
            if [ "$each" = json ]; then wanted=$4; else wanted=$5; fi
            if [ "$(sum_of ".$best.$6.$each.coming")" != "$wanted" ]; then
                rm -f ".$best.$6".*.coming
                echo "$best.$each came damaged" >&2
                exit 3
            fi
        done
        # The .json first: a .pth without its description is no model. Whoever reads in between looks again.
        mv -f ".$best.$6.json.coming" "$best.json" && mv -f ".$best.$6.pth.coming" "$best.pth" || exit 3
        ;;
    esac
}

# The last line, so that of a text that was cut on its way nothing is done.
main "$@"
