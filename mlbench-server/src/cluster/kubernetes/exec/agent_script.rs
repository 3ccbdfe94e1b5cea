//! The lines of a script that let a command start daemons in other pods.

const AGENT: &str = include_str!("agent.sh");
/// Seconds after which the agent gives up. Longer than the server tries, whose reply says more.
const SECONDS_TO_START: &str = "360";

/// Lets the command use the agent, unless its image or the operator has chosen one.
///
/// The names of hosts have to stay whole, because short ones may resolve to nothing in the other pods. All daemons come
/// from the first pod, and stay in the foreground, so that their end is seen. In a container root is the usual user.
const VARIABLES: &str = "\
[ -n \"$OMPI_MCA_plm_rsh_agent\" ] || export OMPI_MCA_plm_rsh_agent=\"sh $k_dir/agent\" \
    OMPI_MCA_plm_rsh_no_tree_spawn=1 OMPI_MCA_orte_keep_fqdn_hostnames=1 OMPI_MCA_orte_leave_session_attached=1
[ -n \"$PRTE_MCA_plm_ssh_agent\" ] || export PRTE_MCA_plm_ssh_agent=\"sh $k_dir/agent\" \
    PRTE_MCA_plm_ssh_no_tree_spawn=1 PRTE_MCA_prte_keep_fqdn_hostnames=1
[ -n \"$HYDRA_LAUNCHER$HYDRA_LAUNCHER_EXEC\" ] || export HYDRA_LAUNCHER=rsh HYDRA_LAUNCHER_EXEC=\"$k_dir/agent\"
";

/// Lets root start Open MPI, and finds that of the official images.
const MPI: &str = "\
: \"${OMPI_ALLOW_RUN_AS_ROOT=1}\" \"${OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1}\"
[ ! -x /.openmpi/bin/mpirun ] || PATH=$PATH:/.openmpi/bin
export OMPI_ALLOW_RUN_AS_ROOT OMPI_ALLOW_RUN_AS_ROOT_CONFIRM PATH
";

/// Returns the lines that prepare the launch of a command that may start daemons.
pub(super) fn install() -> String {
    let agent = AGENT.replace("SECONDS_TO_START", SECONDS_TO_START);
    format!(
        "cat >\"$k_dir/agent.$$\" <<'AGENT' || exit 1\n{agent}AGENT\n\
         chmod +x \"$k_dir/agent.$$\" 2>/dev/null\nmv -f \"$k_dir/agent.$$\" \"$k_dir/agent\" || exit 1\n{VARIABLES}{MPI}"
    )
}

/// Returns the lines that prepare the launch of a daemon.
pub(super) const fn of_daemon() -> &'static str {
    MPI
}
