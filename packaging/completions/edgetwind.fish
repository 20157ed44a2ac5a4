# Copyright 2026 The edgetwin authors
# SPDX-License-Identifier: Apache-2.0
#
# Made by packaging/completions/generate from what edgetwind says of itself.

function __edgetwind_properties
    edgetwin ls 2>/dev/null | awk 'NR > 1 { print $1 }'
end

# Whether the command that is written so far is this one.
function __edgetwind_in
    set -l command
    for word in (commandline -opc)[2..]
        set -l longer (string trim -- "$command $word")
        if contains -- "$longer" ''
            set command $longer
        end
    end
    test "$command" = "$argv[1]"
end

complete -c edgetwind -f
complete -c edgetwind -n '__edgetwind_in ""' -s h -l help -d 'Print this help message and exit'
complete -c edgetwind -n '__edgetwind_in ""' -s c -l config -r -F -d 'Configuration file; conf.d/*.toml beside it is read too'
complete -c edgetwind -n '__edgetwind_in ""' -l debug -d 'Log debug messages too'
complete -c edgetwind -n '__edgetwind_in ""' -l version -d 'Display program version information and exit'
