# Copyright 2026 The edgetwin authors
# SPDX-License-Identifier: Apache-2.0
#
# Made by packaging/completions/generate from what edgetwin-cloud says of itself.

function __edgetwin_cloud_properties
    edgetwin ls 2>/dev/null | awk 'NR > 1 { print $1 }'
end

# Whether the command that is written so far is this one.
function __edgetwin_cloud_in
    set -l command
    for word in (commandline -opc)[2..]
        set -l longer (string trim -- "$command $word")
        if contains -- "$longer" 'devices' 'events' 'commands' 'command' 'import' 'devices list' 'devices show' 'devices why' 'devices unfence' 'devices adopt' 'devices withdraw' 'devices decommission'
            set command $longer
        end
    end
    test "$command" = "$argv[1]"
end

complete -c edgetwin-cloud -f
complete -c edgetwin-cloud -n '__edgetwin_cloud_in ""' -s h -l help -d 'Print this help message and exit'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in ""' -l broker -x -d 'MQTT broker, mqtt://HOST[:PORT] or mqtts://…; may be given again, in order of preference'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in ""' -l store -x -a '(__fish_complete_directories)' -d 'Folder of the store; made when it is missing'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in ""' -l listen -x -d 'ADDRESS:PORT of the HTTP API; port 0: a free one'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in ""' -l token-file -r -F -d 'File whose first line every request must bring as its bearer token; needed beyond loopback'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in ""' -l port-file -r -F -d 'File to write the port to once the API is served'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in ""' -l runtime-dir -x -a '(__fish_complete_directories)' -d 'Folder in memory, as systemd\'s RuntimeDirectory=, where the next process finds what ended this one'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in ""' -l history-bytes-max -x -d 'Size of the file of history, such as 50GiB; the oldest samples make room. 0: any'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in ""' -l history-age-max -x -d 'How long samples are kept, such as 400d; else only their number counts'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in ""' -l ca-file -r -F -d 'PEM certificates that the broker\'s is checked against; else the system\'s'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in ""' -l certificate-file -r -F -d 'PEM client certificate'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in ""' -l key-file -r -F -d 'PEM key of that certificate'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in ""' -l username -x -d 'For the broker'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in ""' -l password-file -r -F -d 'File whose first line is the password for the broker'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in ""' -l debug -d 'Log debug messages too'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in ""' -l version -d 'Display program version information and exit'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in ""' -f -a 'devices' -d 'Show devices, and decide who may speak for them'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in ""' -f -a 'events' -d 'What a device told of, the newest first'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in ""' -f -a 'commands' -d 'What a device was asked for, and its answers'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in ""' -f -a 'command' -d 'Ask a device to do something once'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in ""' -f -a 'import' -d 'Take the history that `edgetwin export` wrote to a file'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "devices"' -s h -l help -d 'Print this help message and exit'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "devices"' -f -a 'list' -d 'All devices and where they stand'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "devices"' -f -a 'show' -d 'Everything about one device'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "devices"' -f -a 'why' -d 'Why a device stands as it does, and what can be done'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "devices"' -f -a 'unfence' -d 'Let in the one that was refused: it is the right one'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "devices"' -f -a 'adopt' -d 'Let the next one in that says it is this device: a replacement board'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "devices"' -f -a 'withdraw' -d 'Take back what unfence or adopt allowed, while nobody has used it'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "devices"' -f -a 'decommission' -d 'Let nobody speak for the device any more'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "devices list"' -s h -l help -d 'Print this help message and exit'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "devices list"' -l url -x -d 'Where edgetwin-cloud serves its API'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "devices list"' -l token-file -r -F -d 'File whose first line is the token that edgetwin-cloud asks for'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "devices list"' -l json -d 'Print the API\'s document'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "devices show"' -f
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "devices show"' -s h -l help -d 'Print this help message and exit'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "devices show"' -l url -x -d 'Where edgetwin-cloud serves its API'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "devices show"' -l token-file -r -F -d 'File whose first line is the token that edgetwin-cloud asks for'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "devices show"' -l json -d 'Print the API\'s document'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "devices why"' -f
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "devices why"' -s h -l help -d 'Print this help message and exit'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "devices why"' -l url -x -d 'Where edgetwin-cloud serves its API'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "devices why"' -l token-file -r -F -d 'File whose first line is the token that edgetwin-cloud asks for'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "devices why"' -l json -d 'Print the API\'s document'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "devices unfence"' -f
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "devices unfence"' -s h -l help -d 'Print this help message and exit'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "devices unfence"' -l url -x -d 'Where edgetwin-cloud serves its API'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "devices unfence"' -l token-file -r -F -d 'File whose first line is the token that edgetwin-cloud asks for'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "devices unfence"' -l json -d 'Print the API\'s document'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "devices adopt"' -f
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "devices adopt"' -s h -l help -d 'Print this help message and exit'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "devices adopt"' -l url -x -d 'Where edgetwin-cloud serves its API'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "devices adopt"' -l token-file -r -F -d 'File whose first line is the token that edgetwin-cloud asks for'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "devices adopt"' -l json -d 'Print the API\'s document'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "devices withdraw"' -f
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "devices withdraw"' -s h -l help -d 'Print this help message and exit'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "devices withdraw"' -l url -x -d 'Where edgetwin-cloud serves its API'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "devices withdraw"' -l token-file -r -F -d 'File whose first line is the token that edgetwin-cloud asks for'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "devices withdraw"' -l json -d 'Print the API\'s document'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "devices decommission"' -f
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "devices decommission"' -s h -l help -d 'Print this help message and exit'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "devices decommission"' -l url -x -d 'Where edgetwin-cloud serves its API'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "devices decommission"' -l token-file -r -F -d 'File whose first line is the token that edgetwin-cloud asks for'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "devices decommission"' -l json -d 'Print the API\'s document'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "devices decommission"' -l yes -d 'Do it without asking'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "events"' -f
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "events"' -s h -l help -d 'Print this help message and exit'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "events"' -l url -x -d 'Where edgetwin-cloud serves its API'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "events"' -l token-file -r -F -d 'File whose first line is the token that edgetwin-cloud asks for'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "events"' -l json -d 'Print the API\'s document'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "events"' -l limit -x -d 'At most so many'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "commands"' -f
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "commands"' -s h -l help -d 'Print this help message and exit'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "commands"' -l url -x -d 'Where edgetwin-cloud serves its API'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "commands"' -l token-file -r -F -d 'File whose first line is the token that edgetwin-cloud asks for'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "commands"' -l json -d 'Print the API\'s document'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "commands"' -l limit -x -d 'At most so many'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "commands"' -l open -d 'Only those without an answer'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "command"' -f
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "command"' -s h -l help -d 'Print this help message and exit'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "command"' -l url -x -d 'Where edgetwin-cloud serves its API'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "command"' -l token-file -r -F -d 'File whose first line is the token that edgetwin-cloud asks for'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "command"' -l json -d 'Print the API\'s document'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "command"' -l expires-in -x -d 'Seconds in which it must begin'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "command"' -l wait -d 'Wait for the answer, and show it'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "import"' -F
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "import"' -s h -l help -d 'Print this help message and exit'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "import"' -l url -x -d 'Where edgetwin-cloud serves its API'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "import"' -l token-file -r -F -d 'File whose first line is the token that edgetwin-cloud asks for'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "import"' -l json -d 'Print the API\'s document'
complete -c edgetwin-cloud -n '__edgetwin_cloud_in "import"' -l receipt -r -F -d 'Write there, for `edgetwin receipt` on the device, what it needs not send'
