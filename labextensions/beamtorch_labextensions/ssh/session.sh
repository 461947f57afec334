# What sshd runs in place of every shell and command: session.sh UMASK FOLDER_OF_PROGRAMS [NAME=VALUE …]
# sshd tightens the umask and a login shell sets its own PATH; both would differ from the lab's own terminal.
umask "$1"
programs=$2
shift 2
if [ -n "${SSH_ORIGINAL_COMMAND+said}" ]; then
    command=$SSH_ORIGINAL_COMMAND
    unset SSH_ORIGINAL_COMMAND
    case "$command" in
        # These two want a name for their own user id; the variables give it, and to nothing else.
        "scp "* | */sftp-server) exec env "$@" "$SHELL" -c "$command" ;;
        *) exec "$SHELL" -c "$command" ;;
    esac
fi
case "${SHELL##*/}" in
    bash | dash | sh | zsh)
        # shellcheck disable=SC2016 # for the login shell, which reads the person's profile first
        exec "$SHELL" -l -c 'case ":$PATH:" in *":$0:"*) ;; *) PATH=$0:$PATH ;; esac; exec "$SHELL"' "$programs"
        ;;
    *) exec "$SHELL" -l ;;
esac
