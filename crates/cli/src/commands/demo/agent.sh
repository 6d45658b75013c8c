#!/bin/sh
# Plays a coding agent for the demo. Like a real one it is a process of its own: it gets its prompt on standard
# input, starts in a working copy of its own, commits there, and writes its answer to $DAYFLY_PROPOSAL.
set -eu
prompt=$(cat)

answer() { printf '%s\n' "$1" >"$DAYFLY_PROPOSAL"; }
commit() { git add --all && git commit --quiet --message "$1"; }
came_back() { printf '%s' "$prompt" | grep -q '^The work came back'; }
# `dayfly answer` writes down who said it; `dayfly issue answer` is a comment of theirs.
answered() {
  printf '%s' "$prompt" | grep -q ' answered: ' || printf '%s' "$prompt" | grep '^Comment by ' | grep -qv '^Comment by dayfly:'
}
title() { printf '%s\n' "$prompt" | sed -n 's/^# //p' | head -n 1; }

echo "stage $DAYFLY_STAGE of $DAYFLY_PROJECT#$DAYFLY_ISSUE: $(title)"

triage() {
  case "$DAYFLY_PROJECT#$DAYFLY_ISSUE" in
    'greeter#3')
      if answered; then
        answer '{"version": 1, "summary": "The language was chosen by a person; it goes into the file LANGUAGE."}'
      else
        answer '{"version": 1, "summary": "The language is not named.",
          "effects": [{"ask": {"question": "Which language should be the default: English or Esperanto?"}}]}'
      fi ;;
    'handbook#1')
      answer '{"version": 1, "summary": "Two pages, each a change of its own.", "effects": [{"split": {"children": [
        {"key": "day", "title": "Write the page: first day", "body": "What happens on the first day."},
        {"key": "week", "title": "Write the page: first week", "body": "What happens in the first week."}]}}]}' ;;
    *) answer '{"version": 1, "summary": "It is clear and small."}' ;;
  esac
}

work() {
  case "$DAYFLY_PROJECT#$DAYFLY_ISSUE" in
    'greeter#1')
      printf '#!/bin/sh\necho "Hello, ${1:-world}!"\n' >greet.sh
      printf '[ "$(sh greet.sh Ada)" = "Hello, Ada!" ]\n' >tests/name.sh
      commit 'greet: say hello by name' ;;
    'greeter#2')
      printf '[ "$(sh shout.sh)" = "HELLO, WORLD!" ]\n' >tests/shout.sh
      if came_back; then
        printf '#!/bin/sh\nsh greet.sh "$@" | tr a-z A-Z\n' >shout.sh
        commit 'shout: really shout'
      else
        # Forgets the capital letters; the engine's own run of the tests finds out.
        printf '#!/bin/sh\nsh greet.sh "$@"\n' >shout.sh
        commit 'shout: say it loud'
      fi ;;
    'greeter#3')
      printf '%s\n' "$prompt" | sed -n '/^Comment by /,$p' | grep -v '^Comment by ' | grep . | tail -n 1 >LANGUAGE
      commit 'language: set the default' ;;
    handbook*)
      page=$(title | sed 's/.*: //')
      printf '# %s\n\nWelcome. There is coffee in the kitchen.\n' "$page" >"$(echo "$page" | tr ' ' '-').md"
      commit "handbook: write about the $page" ;;
    'clock#1')
      printf '#!/bin/sh\ndate +%%H:%%M\n' >clock.sh
      commit 'clock: take out the half conditional' ;;
    'clock#2') echo 'Done! The clock now shows the seconds.' ;; # It says so. It did nothing.
    'clock#3') exec sleep 600 ;;                                # It hangs.
  esac
}

case "$DAYFLY_STAGE" in
  triage) triage ;;
  prep) answer '{"version": 1, "summary": "Change the file that the issue names, and add a test."}' ;;
  exec) work ;;
  review) answer '{"version": 1, "verdict": "pass", "summary": "Read the change; it does what the issue asks."}' ;;
esac
