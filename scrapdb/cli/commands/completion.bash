_scrapdb_completion() {
    local IFS=$'\n'
    mapfile -t COMPREPLY < <(env COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD="$COMP_CWORD" _SCRAPDB_COMPLETE=bash $1)
}

complete -o nosort -o default -F _scrapdb_completion scrapdb
