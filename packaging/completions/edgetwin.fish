# Copyright 2026 The edgetwin authors
# SPDX-License-Identifier: Apache-2.0
#
# Made by packaging/completions/generate from what edgetwin says of itself.

function __edgetwin_properties
    edgetwin ls 2>/dev/null | awk 'NR > 1 { print $1 }'
end

# Whether the command that is written so far is this one.
function __edgetwin_in
    set -l command
    for word in (commandline -opc)[2..]
        set -l longer (string trim -- "$command $word")
        if contains -- "$longer" 'status' 'ls' 'get' 'why' 'watch' 'sync' 'events' 'alarms' 'history' 'export' 'receipt' 'set' 'override' 'release' 'backup' 'restore' 'factory-reset' 'drivers' 'doctor' 'bundle' 'limits' 'reload' 'config' 'version' 'sync status' 'alarms ack' 'history gaps' 'history audit' 'drivers scan' 'drivers probe' 'drivers test' 'config check'
            set command $longer
        end
    end
    test "$command" = "$argv[1]"
end

complete -c edgetwin -f
complete -c edgetwin -s h -l help -d 'Print this help message and exit'
complete -c edgetwin -l version -d 'Display program version information and exit'
complete -c edgetwin -l socket -r -F -d 'The daemon\'s socket; without it the configuration\'s'
complete -c edgetwin -s c -l config -r -F -d 'The daemon\'s configuration'
complete -c edgetwin -l store -x -a '(__fish_complete_directories)' -d 'Read the store in this directory and don\'t ask the daemon'
complete -c edgetwin -s o -l output -x -a 'table json' -d 'table for people, json for programs'
complete -c edgetwin -l json -d 'The same as -o json'
complete -c edgetwin -l color -x -a 'auto always never' -d 'When to use colours; NO_COLOR is heeded'
complete -c edgetwin -n '__edgetwin_in ""' -f -a 'status' -d 'How the device is, what is wrong first'
complete -c edgetwin -n '__edgetwin_in ""' -f -a 'ls' -d 'Properties with their values'
complete -c edgetwin -n '__edgetwin_in ""' -f -a 'get' -d 'Single values'
complete -c edgetwin -n '__edgetwin_in ""' -f -a 'why' -d 'Where a value comes from and what became of it'
complete -c edgetwin -n '__edgetwin_in ""' -f -a 'watch' -d 'Changes as they happen'
complete -c edgetwin -n '__edgetwin_in ""' -f -a 'sync' -d 'The sync with the cloud'
complete -c edgetwin -n '__edgetwin_in ""' -f -a 'events' -d 'What happened on the device, newest last'
complete -c edgetwin -n '__edgetwin_in ""' -f -a 'alarms' -d 'Alarms that are raised or not acknowledged'
complete -c edgetwin -n '__edgetwin_in ""' -f -a 'history' -d 'What a property\'s values were'
complete -c edgetwin -n '__edgetwin_in ""' -f -a 'export' -d 'Write what the cloud doesn\'t have of the history to a file, to be carried there'
complete -c edgetwin -n '__edgetwin_in ""' -f -a 'receipt' -d 'Take the cloud\'s word for it that it has what was exported'
complete -c edgetwin -n '__edgetwin_in ""' -f -a 'set' -d 'Hold a value, for 15 minutes unless told otherwise'
complete -c edgetwin -n '__edgetwin_in ""' -f -a 'override' -d 'Hold a value for a stated time'
complete -c edgetwin -n '__edgetwin_in ""' -f -a 'release' -d 'Give a held value back to the cloud'
complete -c edgetwin -n '__edgetwin_in ""' -f -a 'backup' -d 'A copy of the store, also while the daemon runs'
complete -c edgetwin -n '__edgetwin_in ""' -f -a 'restore' -d 'Put a backup in the place of the store; the daemon must be stopped'
complete -c edgetwin -n '__edgetwin_in ""' -f -a 'factory-reset' -d 'Begin with an empty store; the daemon must be stopped'
complete -c edgetwin -n '__edgetwin_in ""' -f -a 'drivers' -d 'Driver instances and their devices'
complete -c edgetwin -n '__edgetwin_in ""' -f -a 'doctor' -d 'Looks for what is wrong, from the machine to the cloud, and says what to do'
complete -c edgetwin -n '__edgetwin_in ""' -f -a 'bundle' -d 'An archive for whoever is asked for help, without secrets'
complete -c edgetwin -n '__edgetwin_in ""' -f -a 'limits' -d 'Limits, and how often they bit'
complete -c edgetwin -n '__edgetwin_in ""' -f -a 'reload' -d 'Let the daemon read its configuration again'
complete -c edgetwin -n '__edgetwin_in ""' -f -a 'config' -d 'The configuration'
complete -c edgetwin -n '__edgetwin_in ""' -f -a 'version' -d 'Versions of this program and of the daemon'
complete -c edgetwin -n '__edgetwin_in "status"' -s h -l help -d 'Print this help message and exit'
complete -c edgetwin -n '__edgetwin_in "ls"' -f -a '(__edgetwin_properties)'
complete -c edgetwin -n '__edgetwin_in "ls"' -s h -l help -d 'Print this help message and exit'
complete -c edgetwin -n '__edgetwin_in "get"' -f -a '(__edgetwin_properties)'
complete -c edgetwin -n '__edgetwin_in "get"' -s h -l help -d 'Print this help message and exit'
complete -c edgetwin -n '__edgetwin_in "get"' -s q -l quiet -d 'Nothing but the value, without its unit'
complete -c edgetwin -n '__edgetwin_in "why"' -f -a '(__edgetwin_properties)'
complete -c edgetwin -n '__edgetwin_in "why"' -s h -l help -d 'Print this help message and exit'
complete -c edgetwin -n '__edgetwin_in "watch"' -f -a '(__edgetwin_properties)'
complete -c edgetwin -n '__edgetwin_in "watch"' -s h -l help -d 'Print this help message and exit'
complete -c edgetwin -n '__edgetwin_in "watch"' -l for -x -d 'End after this time'
complete -c edgetwin -n '__edgetwin_in "watch"' -l count -x -d 'End after so many changes'
complete -c edgetwin -n '__edgetwin_in "sync"' -s h -l help -d 'Print this help message and exit'
complete -c edgetwin -n '__edgetwin_in "sync"' -f -a 'status' -d 'Whether it works, what is owed, and what to do'
complete -c edgetwin -n '__edgetwin_in "sync status"' -s h -l help -d 'Print this help message and exit'
complete -c edgetwin -n '__edgetwin_in "events"' -s h -l help -d 'Print this help message and exit'
complete -c edgetwin -n '__edgetwin_in "events"' -l limit -x -d 'At most so many, the newest'
complete -c edgetwin -n '__edgetwin_in "events"' -s f -l follow -d 'Go on with what happens from now on'
complete -c edgetwin -n '__edgetwin_in "events"' -l for -x -d 'End after this time'
complete -c edgetwin -n '__edgetwin_in "events"' -l count -x -d 'End after so many'
complete -c edgetwin -n '__edgetwin_in "alarms"' -s h -l help -d 'Print this help message and exit'
complete -c edgetwin -n '__edgetwin_in "alarms"' -f -a 'ack' -d 'Say that you have seen a property\'s alarms'
complete -c edgetwin -n '__edgetwin_in "alarms ack"' -f -a '(__edgetwin_properties)'
complete -c edgetwin -n '__edgetwin_in "alarms ack"' -s h -l help -d 'Print this help message and exit'
complete -c edgetwin -n '__edgetwin_in "history"' -f -a '(__edgetwin_properties)'
complete -c edgetwin -n '__edgetwin_in "history"' -s h -l help -d 'Print this help message and exit'
complete -c edgetwin -n '__edgetwin_in "history"' -l from -x -d 'How long ago, or when: 2h, 7d'
complete -c edgetwin -n '__edgetwin_in "history"' -l to -x -d 'Likewise; now'
complete -c edgetwin -n '__edgetwin_in "history"' -l points -x -d 'Minimum, mean and maximum of so many intervals instead of every sample'
complete -c edgetwin -n '__edgetwin_in "history"' -l table -d 'A table instead of a plot'
complete -c edgetwin -n '__edgetwin_in "history"' -l csv -d 'Comma-separated values instead of a plot'
complete -c edgetwin -n '__edgetwin_in "history"' -f -a 'gaps' -d 'Which samples are gone, and why; all are accounted for'
complete -c edgetwin -n '__edgetwin_in "history"' -f -a 'audit' -d 'Whether every sample is stored or accounted for'
complete -c edgetwin -n '__edgetwin_in "history gaps"' -f -a '(__edgetwin_properties)'
complete -c edgetwin -n '__edgetwin_in "history gaps"' -s h -l help -d 'Print this help message and exit'
complete -c edgetwin -n '__edgetwin_in "history audit"' -s h -l help -d 'Print this help message and exit'
complete -c edgetwin -n '__edgetwin_in "export"' -F
complete -c edgetwin -n '__edgetwin_in "export"' -s h -l help -d 'Print this help message and exit'
complete -c edgetwin -n '__edgetwin_in "export"' -l since-last -d 'Only what came after the last export'
complete -c edgetwin -n '__edgetwin_in "export"' -l from -x -d 'Only of this time on: how long ago, or when'
complete -c edgetwin -n '__edgetwin_in "export"' -l to -x -d 'Only up to this time'
complete -c edgetwin -n '__edgetwin_in "export"' -l path -x -a '(__edgetwin_properties)' -d 'Only these properties, as for ls'
complete -c edgetwin -n '__edgetwin_in "export"' -l force -d 'Replace the file whatever it is'
complete -c edgetwin -n '__edgetwin_in "receipt"' -F
complete -c edgetwin -n '__edgetwin_in "receipt"' -s h -l help -d 'Print this help message and exit'
complete -c edgetwin -n '__edgetwin_in "set"' -f -a '(__edgetwin_properties)'
complete -c edgetwin -n '__edgetwin_in "set"' -s h -l help -d 'Print this help message and exit'
complete -c edgetwin -n '__edgetwin_in "set"' -l for -x -d 'How long: 30s, 15m, 2h; up to 30d'
complete -c edgetwin -n '__edgetwin_in "override"' -f -a '(__edgetwin_properties)'
complete -c edgetwin -n '__edgetwin_in "override"' -s h -l help -d 'Print this help message and exit'
complete -c edgetwin -n '__edgetwin_in "override"' -l for -x -d 'How long: 30s, 15m, 2h; up to 30d'
complete -c edgetwin -n '__edgetwin_in "release"' -f -a '(__edgetwin_properties)'
complete -c edgetwin -n '__edgetwin_in "release"' -s h -l help -d 'Print this help message and exit'
complete -c edgetwin -n '__edgetwin_in "backup"' -F
complete -c edgetwin -n '__edgetwin_in "backup"' -s h -l help -d 'Print this help message and exit'
complete -c edgetwin -n '__edgetwin_in "backup"' -l force -d 'Replace the file if it is there'
complete -c edgetwin -n '__edgetwin_in "restore"' -F
complete -c edgetwin -n '__edgetwin_in "restore"' -s h -l help -d 'Print this help message and exit'
complete -c edgetwin -n '__edgetwin_in "restore"' -s y -l yes -d 'Don\'t ask; without it nothing is changed unseen'
complete -c edgetwin -n '__edgetwin_in "factory-reset"' -s h -l help -d 'Print this help message and exit'
complete -c edgetwin -n '__edgetwin_in "factory-reset"' -l purge -d 'Remove the old store instead of keeping it aside'
complete -c edgetwin -n '__edgetwin_in "factory-reset"' -s y -l yes -d 'Don\'t ask; without it nothing is changed unseen'
complete -c edgetwin -n '__edgetwin_in "drivers"' -s h -l help -d 'Print this help message and exit'
complete -c edgetwin -n '__edgetwin_in "drivers"' -l kinds -d 'The kinds of driver that there are instead'
complete -c edgetwin -n '__edgetwin_in "drivers"' -f -a 'scan' -d 'What this machine has, with a configuration to begin with'
complete -c edgetwin -n '__edgetwin_in "drivers"' -f -a 'probe' -d 'Read one instance of the configuration once; without the daemon'
complete -c edgetwin -n '__edgetwin_in "drivers"' -f -a 'test' -d 'Run a configuration\'s drivers for some time; without the daemon'
complete -c edgetwin -n '__edgetwin_in "drivers scan"' -f
complete -c edgetwin -n '__edgetwin_in "drivers scan"' -s h -l help -d 'Print this help message and exit'
complete -c edgetwin -n '__edgetwin_in "drivers scan"' -l root -x -d 'Look at a recorded tree instead of /'
complete -c edgetwin -n '__edgetwin_in "drivers probe"' -f
complete -c edgetwin -n '__edgetwin_in "drivers probe"' -s h -l help -d 'Print this help message and exit'
complete -c edgetwin -n '__edgetwin_in "drivers probe"' -l write -x -d 'Then write this, and show what the device has; otherwise it is only read'
complete -c edgetwin -n '__edgetwin_in "drivers probe"' -l for -x -d 'At most so long; 10s'
complete -c edgetwin -n '__edgetwin_in "drivers test"' -F
complete -c edgetwin -n '__edgetwin_in "drivers test"' -s h -l help -d 'Print this help message and exit'
complete -c edgetwin -n '__edgetwin_in "drivers test"' -l for -x -d 'At most so long; 10s'
complete -c edgetwin -n '__edgetwin_in "doctor"' -s h -l help -d 'Print this help message and exit'
complete -c edgetwin -n '__edgetwin_in "doctor"' -l root -x -d 'For what the kernel says of the machine: a recorded tree instead of /'
complete -c edgetwin -n '__edgetwin_in "bundle"' -F
complete -c edgetwin -n '__edgetwin_in "bundle"' -s h -l help -d 'Print this help message and exit'
complete -c edgetwin -n '__edgetwin_in "bundle"' -l force -d 'Replace the file if it is there'
complete -c edgetwin -n '__edgetwin_in "bundle"' -l without-values -d 'Leave out properties, alarms and events'
complete -c edgetwin -n '__edgetwin_in "limits"' -s h -l help -d 'Print this help message and exit'
complete -c edgetwin -n '__edgetwin_in "reload"' -s h -l help -d 'Print this help message and exit'
complete -c edgetwin -n '__edgetwin_in "config"' -s h -l help -d 'Print this help message and exit'
complete -c edgetwin -n '__edgetwin_in "config"' -f -a 'check' -d 'Everything that is wrong with it, at once'
complete -c edgetwin -n '__edgetwin_in "config check"' -F
complete -c edgetwin -n '__edgetwin_in "config check"' -s h -l help -d 'Print this help message and exit'
complete -c edgetwin -n '__edgetwin_in "version"' -s h -l help -d 'Print this help message and exit'
