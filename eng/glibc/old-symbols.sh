#!/bin/sh
# Makes libraries to link against (-L FOLDER) in place of the system's, so that what is linked runs with glibc 2.27, the oldest that .NET runs with.
# usage: eng/glibc/old-symbols.sh FOLDER COMPILER..      libm.so, libpthread.so, libdl.so and librt.so appear in FOLDER; COMPILER with the
#                                                        options that choose its target
#
# A program asks for each function of glibc in the newest version that was there when it was linked, and does not start where that is missing.
# glibc keeps the older versions (pthread_create of 2.2.5 beside that of 2.34) but hides them from linkers. These libraries bear glibc's names
# and hold, without code, the newest versions up to 2.27: of the functions of libm, libpthread, libdl and librt, and of those that libc took over
# from them in 2.32 to 2.34. A function that has no version so old is not in them, is linked as ever, and is what the test of the versions finds.
set -eu
[ $# -ge 2 ] || { sed -n '2,4s/^# //p' "$0" >&2; exit 1; }
folder=$1
shift
mkdir -p "$folder"
# old_versions LIBRARY WHICH COMPILER..: version and name of functions in the newest version up to 2.27; WHICH: all of them, or those that are
# linked in a newer one now
old_versions() {
    library=$1 which=$2
    shift 2
    LC_ALL=C readelf --dyn-syms -W "$("$@" "-print-file-name=$library")" | awk -v which="$which" '
        $4 ~ /^I?FUNC$/ && $7 != "UND" && match($8, /@+GLIBC_/) {
            name = substr($8, 1, RSTART - 1); version = substr($8, RSTART + RLENGTH); split(version, part, "."); rank = part[1] * 10000 + part[2] * 100 + part[3]
            known[name]
            if (rank <= 22700) { if (rank > best[name]) { best[name] = rank; old[name] = version } }
            else if (index($8, "@@")) moved[name]
        }
        END { for (name in known) if (name in old && (which == "all" || name in moved)) print old[name], name }'
}
# stub NAME NUMBER PATTERN COMPILER..: libNAME.so, which says it is libNAME.so.NUMBER, of its own functions and those of libc whose names match
stub() {
    file=$folder/lib$1.so soname=lib$1.so.$2 pattern=$3
    shift 3
    { old_versions "$soname" all "$@"; old_versions libc.so.6 moved "$@" | awk -v pattern="$pattern" '$2 ~ pattern'; } | sort -u | awk -v base="$file" '
        {
            if ($1 != version) { if (version) print "};" >(base ".map"); version = $1; print "GLIBC_" version " {" >(base ".map") }
            print $2 ";" >(base ".map"); print ".globl " $2 "\n.type " $2 ", %function\n" $2 ":" >(base ".s")
        }
        END { print "};" >(base ".map"); print ".section .note.GNU-stack, \"\", %progbits" >(base ".s") }'
    "$@" -shared -nostdlib "-Wl,-soname,$soname" "-Wl,--version-script=$file.map" -o "$file" "$file.s"
    rm "$file.map" "$file.s"
}
stub m 6 '^$' "$@"
stub pthread 0 '^(pthread|sem)_' "$@"
stub dl 2 '^dl' "$@"
stub rt 1 '^(aio|lio|mq|shm|timer)_' "$@"
