# A scripted agent: what it does follows from its stage and its prompt.
set -eu
# No agent is given the token of the forge.
[ -z "${GITHUB_TOKEN:-}" ] || exit 9
prompt=$(cat)
answer() { printf '%s\n' "$1" >"$DAYFLY_PROPOSAL"; }
case "$DAYFLY_STAGE" in
  triage)
    case "$prompt" in
      *SPLIT*) answer '{"version":1,"summary":"two parts","effects":[{"split":{"children":[
        {"key":"one","title":"The first part","body":"Do it."},
        {"key":"two","title":"The second part","body":"Do that.","after":["one"]}]}}]}' ;;
      *"the blue one"*|*"needs no question"*|*"part"*) answer '{"version":1,"summary":"it is clear"}' ;;
      *) answer '{"version":1,"summary":"unclear","effects":[{"ask":{"question":"Which door, @everyone?"}}]}' ;;
    esac ;;
  prep) answer '{"version":1,"summary":"paint it"}' ;;
  exec)
    case "$prompt" in
      *"The work came back"*) echo mended >"door-$DAYFLY_ISSUE.txt" ;;
      *) echo blue >"door-$DAYFLY_ISSUE.txt" ;;
    esac
    git add -A
    git commit -q -m "Paint door $DAYFLY_ISSUE"
    answer '{"version":1,"summary":"The door is blue now. @ann, see. Fixes #99"}' ;;
  review) answer '{"version":1,"summary":"it is good","verdict":"pass"}' ;;
esac
