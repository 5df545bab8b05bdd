#!/bin/sh
# Shows each command before it runs it. A 'no match' exits with 1, which is an answer and no failure.
set -eu
senseid=$1 photos=$2
SENSEID_HOME=$3
export SENSEID_HOME
pictures=${photos%/photos}

show() {
    printf '\n$ senseid %s\n' "$*"
    "$senseid" "$@"
}

show license quickstart
show compare "$photos/obama.jpg" "$photos/obama2.jpg"
show compare "$photos/obama.jpg" "$photos/biden.jpg" || test $? -eq 1
show omni --force --draw "$pictures/omni.png" "$photos/obama.jpg" "$photos/biden.jpg" || test $? -eq 1
printf '%s\n' photos/obama.jpg,photos/obama2.jpg,1 photos/obama2.jpg,photos/obama3.jpg,1 photos/obama.jpg,photos/biden.jpg,0 \
    | sed '1i first,second,same' > "$pictures/pairs.csv"
show batch --force --out "$pictures/results.csv" --report "$pictures/report.html" "$pictures/pairs.csv"
cat <<EOF

Look at these:
  $pictures/omni.png      both photos with numbered faces, and the score of each pair
  $pictures/report.html   a page about the batch: open it in a browser
The licences of this demo are in $SENSEID_HOME; for your own, run: senseid license quickstart
EOF
