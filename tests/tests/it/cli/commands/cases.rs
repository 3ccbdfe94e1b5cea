//! The command lines of each command.

/// A command, and how it is tried.
pub(super) struct Case {
    /// The words of the command, without the program.
    pub(super) command: &'static str,
    /// Command lines of a shell.
    pub(super) lines: &'static [&'static str],
    /// Command lines before each of these. What they print does not matter.
    pub(super) before: &'static [&'static str],
    /// What a command shows that goes on forever, and the keys that end it.
    pub(super) ends_by: Option<(&'static str, &'static str)>,
    /// Whether its lines are for programs, which know no width.
    pub(super) is_long: bool,
}

const fn case(command: &'static str, lines: &'static [&'static str]) -> Case {
    Case { command, lines, before: &[], ends_by: None, is_long: false }
}

impl Case {
    const fn after(self, before: &'static [&'static str]) -> Self {
        Self { before, ..self }
    }
}

const LAB: &[&str] = &["mlbench context add lab --url http://127.0.0.1:1"];
const CTRL_C: &str = "\u{3}";

/// The commands of the Python CLI, which have no manual page.
pub(super) const HIDDEN: [&str; 10] = [
    "run",
    "status",
    "charts",
    "delete",
    "download",
    "get-dashboard-url",
    "create-cluster",
    "delete-cluster",
    "set-cluster",
    "list-clusters",
];

/// Every command. Lists come before what makes new runs.
pub(super) const CASES: &[Case] = &[
    case("", &["mlbench", "mlbench lits", "mlbench -o json"]),
    case("runs", &["mlbench runs", "mlbench runs strat -o json"]),
    case("context", &["mlbench context"]),
    case("benchmark", &["mlbench benchmark"]),
    case(
        "runs list",
        &[
            "mlbench runs list",
            "mlbench runs list --state failed -o ndjson --columns id",
            "mlbench runs list --state bad",
            "mlbench runs list --columns size",
        ],
    ),
    Case { ends_by: Some(("broken", CTRL_C)), ..case("runs list", &["mlbench runs list --watch"]) },
    case("pods", &["mlbench pods", "mlbench pods -o name"]),
    case("status", &["mlbench status", "mlbench status first", "mlbench status frist"]),
    case(
        "runs show",
        &["mlbench runs show first", "mlbench runs show frist", "mlbench runs show id:99 -o json"],
    ),
    case(
        "runs wait",
        &["mlbench runs wait first", "mlbench runs wait broken", "mlbench runs wait broken -o yaml"],
    ),
    case(
        "runs logs",
        &["mlbench runs logs first", "mlbench runs logs first --follow", "mlbench runs logs first --rank 7"],
    ),
    case(
        "runs compare",
        &[
            "mlbench runs compare first second --metric val_global_Prec@1 --goal 95",
            "mlbench runs compare first --metric val",
        ],
    ),
    case(
        "runs report",
        &[
            "mlbench runs report first second --metric val_global_Prec@1 --goal 95 --output report",
            "mlbench runs report first",
        ],
    ),
    case("runs download", &["mlbench runs download first", "mlbench runs download first -O no/where.zip"]),
    case("runs export", &["mlbench runs export first first.zip", "mlbench runs export third third.zip"]),
    case("runs import", &["mlbench runs import losses.csv", "mlbench runs import no.zip"]),
    case("download", &["mlbench download first", "mlbench download frist"]),
    case("charts", &["mlbench charts charts first second", "mlbench charts charts first"]),
    case("get-dashboard-url", &["mlbench get-dashboard-url"]),
    case("create-cluster", &["mlbench create-cluster gcloud 3 release"]),
    case("delete-cluster", &["mlbench delete-cluster kind release"]),
    case("set-cluster", &["mlbench set-cluster kind release"]),
    case("list-clusters", &["mlbench list-clusters"]),
    case(
        "metrics",
        &[
            "mlbench metrics --run first",
            "mlbench metrics --run first --all -o csv",
            "mlbench metrics --run first --metric train_los",
            "mlbench metrics --pod nowhere -o json",
        ],
    ),
    Case { ends_by: Some(("live", "q")), ..case("top", &["mlbench top"]) },
    case("runs set", &["mlbench runs set second --tag team=nlp", "mlbench runs set second"]),
    case(
        "metrics post",
        &["mlbench metrics post --run second --name x --value 1", "mlbench metrics post --run second"],
    ),
    case(
        "log",
        &["printf 'loss=1\\nno metric\\n' | mlbench log --run second", "printf '' | mlbench log --run third"],
    ),
    case(
        "import",
        &[
            "mlbench import losses.csv --dry-run",
            "mlbench import losses.csv",
            "mlbench import bad.csv",
            "mlbench import no.csv",
        ],
    ),
    case(
        "runs start",
        &[
            "mlbench runs start --name job --workers 1 --command 'sleep 600'",
            "mlbench runs start --name job --workers 1 --dry-run",
            "mlbench runs start --name job --workers 99",
            "mlbench runs start --name job --workers 99 -o json",
            "mlbench runs start",
        ],
    ),
    case(
        "runs sweep",
        &[
            "mlbench runs sweep --name s --workers 1,2 --repeats 2 --dry-run",
            "mlbench runs sweep --name s --workers 0",
        ],
    ),
    case(
        "runs record",
        &["mlbench runs record --name here -- sh -c 'echo hello; exit 3'", "mlbench runs record --name here"],
    ),
    case("run", &["mlbench run py 1 --command true", "mlbench run py"]),
    case("runs stop", &["mlbench runs stop job -o name"])
        .after(&["mlbench runs start --name job --command 'sleep 600'"]),
    case("runs delete", &["mlbench runs delete gone"]).after(&["mlbench runs record --name gone -- true"]),
    case("delete", &["mlbench delete gone"]).after(&["mlbench runs record --name gone -- true"]),
    case(
        "context add",
        &["mlbench context add lab --url http://127.0.0.1:1", "mlbench context add 'a b' --url http://x"],
    )
    .after(&["mlbench context remove lab"]),
    case("context use", &["mlbench context use lab", "mlbench context use lob"]).after(LAB),
    case("context list", &["mlbench context list", "mlbench context list -o json"]).after(LAB),
    case("context show", &["mlbench context show", "mlbench context show lob"]).after(LAB),
    case("context remove", &["mlbench context remove lab", "mlbench context remove lob -o json"])
        .after(&["mlbench context add lab --url http://127.0.0.1:1"]),
    Case { ends_by: Some(("Token for", CTRL_C)), ..case("login", &["mlbench login"]) },
    case("logout", &["mlbench logout"]).after(&["mlbench login --token-file token"]),
    case("benchmark all-reduce", &["mlbench benchmark all-reduce --rank 3 --hosts localhost"]),
    case(
        "benchmark logistic-regression",
        &["mlbench benchmark logistic-regression --rank 3 --hosts localhost"],
    ),
    Case { is_long: true, ..case("completions", &["mlbench completions fish", "mlbench completions tcsh"]) },
    case("man", &["mlbench man pages/new", "mlbench man losses.csv"]),
];
