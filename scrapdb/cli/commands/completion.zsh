#compdef scrapdb

_scrapdb_completion() {
    local line
    local -a plain described
    for line in "${(@f)$(env COMP_WORDS="${words[*]}" COMP_CWORD=$((CURRENT - 1)) _SCRAPDB_COMPLETE=zsh scrapdb)}"; do
        if [[ $line == *$'\t'* ]]; then
            described+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
        elif [[ -n $line ]]; then
            plain+=("$line")
        fi
    done
    (( $#described )) && _describe -V unsorted described -U
    (( $#plain )) && compadd -U -V unsorted -a plain
    (( $#described + $#plain )) || _files
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _scrapdb_completion "$@"
else
    compdef _scrapdb_completion scrapdb
fi
