#!/bin/sh
# What rsync takes for its remote shell: hands its command and its bytes to the connection that is open already.
# $RINGRIFT_TO and $RINGRIFT_FROM are pipes that whoever started rsync has left open.
exec 2>/dev/null # or rsync could not end before this script
shift            # the name of the host
printf '%s\n' "$*" >"/dev/fd/$RINGRIFT_TO"
exec 3<&0 # what runs in the background loses its input
cat <&3 >"/dev/fd/$RINGRIFT_TO" &
cat <"/dev/fd/$RINGRIFT_FROM"
kill $! # rsync waits for the end of this script before it closes its side
