//! Carries the requests of a rank for daemons in other pods, and the replies to them.

use std::time::Duration;

use super::connection::KubernetesCluster;
use super::exec::agent::parse_requests;
use super::exec::run_script::ScriptOutput;
use crate::cluster::error::ClusterError;
use crate::cluster::rank::{DaemonReply, DaemonRequest, RankRef};

impl KubernetesCluster {
    pub(super) async fn requests_of_rank(
        &self,
        rank: &RankRef,
        after: u32,
    ) -> Result<Vec<DaemonRequest>, ClusterError> {
        let output = self.execute(rank, self.scripts.requests(rank, after), Duration::ZERO).await?;
        let broken = || ClusterError::Unreachable(format!("{}: the exec stream was interrupted", rank.pod));
        parse_requests(&output.stdout).ok_or_else(broken)
    }

    pub(super) async fn reply_to_rank(
        &self,
        rank: &RankRef,
        replies: &[DaemonReply],
    ) -> Result<(), ClusterError> {
        let script = self.scripts.replies(rank, replies)?;
        let ScriptOutput { exit_code, stderr, .. } = self.execute(rank, script, Duration::ZERO).await?;
        if exit_code == 0 {
            return Ok(());
        }
        Err(ClusterError::Unreachable(format!("{}: {stderr} (exit code {exit_code})", rank.pod)))
    }
}
