#!/bin/bash
# Puts the previous version back.
#   rollback.sh --quick        the version before this one
#   rollback.sh --to ARCHIVE   any release archive
# Everything is found relative to this file, so that a relocated host can be drilled.
set -euo pipefail

ROOT="$(cd "$(dirname "$0")/../../.." && pwd)"
RELEASES="$ROOT/backup/spacetime/releases"
case "${1:-}" in
    --quick) archive="$RELEASES/previous.tar.gz" ;;
    --to) archive="${2:?--to needs an archive}" ;;
    *) echo "usage: rollback.sh --quick | --to ARCHIVE" >&2; exit 2 ;;
esac
[ -r "$archive" ] || { echo "no release archive $archive" >&2; exit 1; }

leaving="$(cat "$ROOT/opt/godot/VERSION")"
echo "1/4 keeping $leaving"
tar -czf "$RELEASES/left-$leaving.tar.gz" -C "$ROOT/opt" --exclude=godot/.git godot

echo "2/4 restoring $(basename "$archive")"
tar -xzf "$archive" -C "$ROOT/opt"

echo "3/4 restarting the game with its configuration"
pid_file="$ROOT/run/spacetime/godot.pid"
[ -r "$pid_file" ] && kill -HUP "$(cat "$pid_file")"

echo "4/4 waiting for a healthy game"
url="$(cat "$ROOT/run/spacetime/godot.url" 2>/dev/null || echo http://127.0.0.1:8080)"
for _ in $(seq 30); do
    if curl -fsS --max-time 5 "$url/health" 2>/dev/null | grep -q '"healthy": *true'; then
        echo "rolled back: $leaving -> $(cat "$ROOT/opt/godot/VERSION")"
        exit 0
    fi
    sleep 1
done
echo "the game is not healthy after the rollback" >&2
exit 1
