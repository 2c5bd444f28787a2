function _scrapdb_completion
    set -l before (commandline -opc)
    set -l line (commandline -cp | string collect)
    set -l offered (env COMP_WORDS=$line COMP_CWORD=(count $before) _SCRAPDB_COMPLETE=fish scrapdb)
    if set -q offered[1]
        printf '%s\n' $offered
    else
        __fish_complete_path (commandline -ct)
    end
end

complete --no-files --command scrapdb --arguments "(_scrapdb_completion)"
