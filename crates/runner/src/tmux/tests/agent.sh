#!/bin/sh
# An interactive agent: it reads a prompt from its terminal, does what the lines that begin with `! ` say, and tells
# that it has done. Interrupted, it leaves what it is at and waits for the next prompt.
interrupted=
trap 'interrupted=yes' INT
todo='' prompt=''
idle() { while [ -z "$interrupted" ]; do IFS= read -r _; done; }
await() { until [ -e "$1" ] || [ "$interrupted" ]; do sleep 0.05; done; }
printf 'talk to me> '
while :; do
    IFS= read -r line || { [ "$interrupted" ] || exit 0; interrupted=; todo='' prompt=''; continue; }
    case $line in
    '[dayfly] This was attempt '*) id=${line#'[dayfly] This was attempt '} id=${id%%. *} ;;
    '[dayfly] Work in this folder'*) folder=${line#*: } ;;
    '[dayfly] Where the text'*) proposal=${line#*: } ;;
    '[dayfly] If it cannot'*) words=${line##*: } file=$words bad=${words%% and *}${words##* and } ;;
    '[dayfly] When all is done'* | '[dayfly] That is all.')
        words=${line##*: } good=${words%% and *}${words##* and } interrupted=
        cd "$folder" || exit 1
        printf '%s' "$prompt" >prompt-seen.txt
        case $id in *.forever.*) idle ;; esac
        eval "$todo"
        [ "$interrupted" ] || [ -e silent ] || echo "$good"
        interrupted='' todo='' prompt=''
        ;;
    '! '*) todo="$todo
${line#'! '}" ;;
    *) prompt="$prompt$line
" ;;
    esac
done
