#!/bin/bash
# Nightly backup of game, audit logs and configuration; started by cron at 02:00.
set -euo pipefail

ROOT="$(cd "$(dirname "$0")/../.." && pwd)"
ROOT="${ROOT%/}"
BACKUP_DIR="$ROOT/backup/spacetime"
RETENTION_DAYS=30
DATE="$(date +%Y%m%d-%H%M%S)"

mkdir -p "$BACKUP_DIR"
tar -czf "$BACKUP_DIR/godot-$DATE.tar.gz" -C "$ROOT/opt" godot
tar -czf "$BACKUP_DIR/audit-$DATE.tar.gz" -C "$ROOT/var/log/spacetime" audit
install -m 600 "$ROOT/opt/godot/.env.production" "$BACKUP_DIR/env-$DATE.backup"

# The copies of the configuration hold the JWT secret: they go with the archives.
find "$BACKUP_DIR" -maxdepth 1 \( -name "*.tar.gz" -o -name "env-*.backup" \) -mtime +"$RETENTION_DAYS" -delete

# Off-site copy, where a remote of that name is configured.
if command -v rclone >/dev/null; then
    rclone copy "$BACKUP_DIR" offsite:spacetime --include "*-$DATE*"
fi
echo "Backup completed: $DATE"
