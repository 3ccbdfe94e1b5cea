//! Lists of owners with points.

use crate::metric::Owner;
use crate::name::RunId;

/// Which owners a list has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnerFilter {
    /// The pods in the cluster.
    Pods,
    /// All runs.
    Runs,
    /// Those of these runs that exist.
    TheseRuns(Vec<RunId>),
}

/// The owners of a list, as of one snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerList {
    /// Arrival number of the newest point in this snapshot. The list shows no later points.
    pub as_of: i64,
    /// Pods by name, or runs by id.
    pub owners: Vec<ListedOwner>,
}

/// An owner of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedOwner {
    /// The pod or the run.
    pub owner: Owner,
    /// Only points that arrived after this arrival number are new to the reader.
    pub arrived_after: Option<i64>,
    /// Whether it may have points to show. Reading those of the others is unnecessary.
    pub has_points: bool,
}
