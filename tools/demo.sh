#!/bin/sh
# Shows each command before it runs it. A 'no match' exits with 1, which is an answer and no failure.
set -eu
senseid=$1 photos=$2
SENSEID_HOME=$3
export SENSEID_HOME

show() {
    printf '\n$ senseid %s\n' "$*"
    "$senseid" "$@"
}

show license quickstart
show compare "$photos/obama.jpg" "$photos/obama2.jpg"
show compare "$photos/obama.jpg" "$photos/biden.jpg" || test $? -eq 1
printf '\nThe licences of this demo are in %s: run `senseid license quickstart` for your own.\n' "$SENSEID_HOME"
