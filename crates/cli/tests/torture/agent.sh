#!/bin/sh
# Plays a coding agent. What it does follows from its stage and the words of its issue alone, so that an attempt that is
# made again does the same. The first argument is the folder of the book, in which each life of an attempt is put down.
set -eu
book=$1
prompt=$(cat)
echo begun >>"$book/$DAYFLY_ATTEMPT"

answer() { printf '%s\n' "$1" >"$DAYFLY_PROPOSAL"; }
# What an earlier attempt committed, and nobody could judge, is there already.
commit() { git add --all && { git diff --cached --quiet || git commit --quiet --message "$1"; }; }
came_back() { printf '%s' "$prompt" | grep -q '^The work came back'; }
answered() { printf '%s' "$prompt" | grep -q 'the blue one'; }
named() { printf '%s\n' "$prompt" | sed -n 's/^# //p' | head -n 1 | grep -q "$1"; }

# Between 50 and 500 milliseconds of work.
number=$(printf %s "$DAYFLY_ATTEMPT" | cksum | cut -d ' ' -f 1)
sleep "0.$(printf %03d $((number % 450 + 50)))"

triage() {
  if named Split; then
    answer '{"version": 1, "summary": "Two parts.", "effects": [{"split": {"children": [
      {"key": "one", "title": "The first part", "body": "Do it."},
      {"key": "two", "title": "The second part", "body": "Do that."}]}}]}'
  elif named Ask && ! answered; then
    answer '{"version": 1, "summary": "Unclear.", "effects": [{"ask": {"question": "Which door?"}}]}'
  else
    answer '{"version": 1, "summary": "It is clear."}'
  fi
}

work() {
  # It says that it is done, and did nothing.
  if named Nothing; then return; fi
  if named Stubborn; then
    # Left behind, deaf to polite words, in a session of its own.
    setsid sh -c 'trap "" TERM HUP INT; while :; do sleep 0.2; done' >/dev/null 2>&1 &
  fi
  if named Gate && ! came_back; then echo wrong >"work-$DAYFLY_ISSUE"; else echo right >"work-$DAYFLY_ISSUE"; fi
  commit "do $DAYFLY_PROJECT $DAYFLY_ISSUE"
}

case "$DAYFLY_STAGE" in
  triage) triage ;;
  prep) answer '{"version": 1, "summary": "Write the file."}' ;;
  exec) work ;;
  review) answer '{"version": 1, "verdict": "pass", "summary": "It does what the issue asks."}' ;;
esac
echo done >>"$book/$DAYFLY_ATTEMPT"
