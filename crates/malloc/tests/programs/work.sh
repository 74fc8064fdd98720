# Subshells, arrays, strings and many forks.
set -euo pipefail
rounds=$1

fibonacci() { # in subshells
    if [ "$1" -lt 2 ]; then echo "$1"; else echo $(($(fibonacci $(($1 - 1))) + $(fibonacci $(($1 - 2))))); fi
}

declare -A counts
for ((round = 0; round < rounds; round++)); do
    fibonacci 9
    list=()
    for ((i = 0; i < 5000; i++)); do
        list+=("item $i of $round")
        counts[$((i * i % 997))]=$((${counts[$((i * i % 997))]-0} + 1))
    done
    text="${list[*]}"
    echo "${#list[@]} ${#text} ${text//item/thing}" | tail -c 100
    printf '%s\n' "${list[@]:100:20}" | sort -r | while read -r line; do echo "read ${line^^}"; done
    for ((i = 0; i < 50; i++)); do (echo "subshell $i: $( (echo "inner $i"))") & wait $!; done
    mapfile -t lines < <(seq 1 2000 | sed 's/7/seven/g' | awk '{ print length($0), $0 }')
    echo "${#lines[@]} ${lines[777]}"
done
for key in "${!counts[@]}"; do echo "$key ${counts[$key]}"; done | sort -n
[[ "$text" =~ ([0-9]+)\ of ]] && echo "${BASH_REMATCH[1]}"
exit 3
