//! Groups of a comparison as rows for programs, with every value unrounded.

use mlbench_client::{Comparison, Group};
use serde::Serialize;

use super::comparison::{names, runs};
use crate::output::{Cell, Column, Columns};

/// A group of a comparison.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Row {
    #[serde(flatten)]
    group: Group,
    /// Label of the group that this one is compared with.
    #[serde(skip)]
    baseline: String,
}

/// Returns the groups of a comparison.
pub(super) fn rows(comparison: &Comparison) -> Vec<Row> {
    let label = |group: &Group| comparison.groups.get(group.baseline).map(|group| group.label.clone());
    let row = |group: &Group| Row { baseline: label(group).unwrap_or_default(), group: group.clone() };
    comparison.groups.iter().map(row).collect()
}

/// Returns what can be shown of a group.
pub(super) fn columns() -> Columns<Row> {
    fn text(name: &'static str, text: fn(&Row) -> Option<String>) -> Column<Row> {
        Column::new(name, move |row: &Row| Cell::of(text(row), Cell::text))
    }
    fn count(name: &'static str, count: fn(&Group) -> u32) -> Column<Row> {
        Column::new(name, move |row: &Row| Cell::count(count(&row.group)))
    }
    fn number(name: &'static str, number: fn(&Group) -> Option<f64>) -> Column<Row> {
        Column::new(name, move |row: &Row| Cell::of(number(&row.group), Cell::number))
    }
    let all = [
        text("group", |row| Some(row.group.label.clone())),
        text("names", |row| Some(names(&row.group).collect::<Vec<_>>().join("; "))),
        text("runs", |row| Some(runs(&row.group))),
        count("workers", |group| group.parameters.num_workers),
        count("n", |group| group.n),
        count("reached", |group| group.reached),
        number("seconds", |group| Some(group.time_to_accuracy?.median)),
        number("low", |group| Some(group.time_to_accuracy?.low)),
        number("high", |group| group.time_to_accuracy?.high),
        text("interval", |row| {
            let interval = row.group.time_to_accuracy?.interval;
            Some(serde_json::to_value(interval).ok()?.as_str()?.to_owned())
        }),
        text("baseline", |row| Some(row.baseline.clone())),
        number("speed_up", |group| Some(group.speed_up?.median)),
        number("speed_up_low", |group| Some(group.speed_up?.low)),
        number("speed_up_high", |group| group.speed_up?.high),
        number("efficiency", |group| Some(group.efficiency?.median)),
        number("compute", |group| Some(group.phases.as_ref()?.shares.compute)),
        number("communication", |group| group.phases.as_ref()?.shares.communication),
        number("transfer", |group| group.phases.as_ref()?.shares.transfer),
        number("waiting", |group| group.phases.as_ref()?.shares.waiting),
        number("other", |group| Some(group.phases.as_ref()?.shares.other)),
        text("oversubscribed", |row| Some(row.group.oversubscribed?.to_string())),
        text("reason", |row| row.group.no_time_reason.clone()),
    ];
    let ids = |row: &Row| {
        let ids: Vec<String> = row.group.runs.iter().map(|run| format!("id:{run}")).collect();
        ids.join("\n")
    };
    Columns::new(ids, all)
}

#[cfg(test)]
mod tests {
    use mlbench_client::RunName;

    use super::*;
    use crate::commands::testing::comparison;
    use crate::output::{Layout, List, ListOptions, Printer};

    const HEAD: &str = "group,names,runs,workers,n,reached,seconds,low,high,interval,baseline,speed_up,speed_up_low,\
        speed_up_high,efficiency,compute,communication,transfer,waiting,other,oversubscribed,reason";

    fn printed_of(comparison: &Comparison, layout: Layout) -> String {
        let mut to = Vec::new();
        let list = List::new(&ListOptions::default(), &columns()).unwrap();
        list.print_of(&mut Printer::new(layout, &mut to), comparison, rows(comparison)).unwrap();
        String::from_utf8(to).unwrap()
    }

    fn printed(layout: Layout) -> String {
        printed_of(&comparison(), layout)
    }

    #[test]
    fn programs_get_a_row_per_group_with_unrounded_numbers() {
        let csv = printed(Layout::Csv);
        let mut lines = csv.lines();
        assert_eq!(lines.next().unwrap(), HEAD);
        let first =
            "2 workers,run 1,1,2,3,2,7.5,6.75,,min_max,2 workers,1,1,1,0.5,0.75,0.2,0.05,0.15,0.05,false,";
        assert_eq!(lines.next().unwrap(), first);
        let json: Comparison = serde_json::from_str(&printed(Layout::Json)).unwrap();
        assert_eq!(json, comparison());
    }

    #[test]
    fn every_csv_cell_is_what_json_has() {
        let mut one = comparison();
        one.groups[0].label = "=1+1, \"two\" workers".to_owned();
        one.groups[0].names = vec![RunName::new("=cmd(\"x\")").unwrap(), RunName::new("a, b").unwrap()];
        let time = one.groups[1].time_to_accuracy.as_mut().unwrap();
        (time.median, time.low, time.high) = (0.1 + 0.2, 1e-7, Some(1e21));
        let (csv, json) = (printed_of(&one, Layout::Csv), printed_of(&one, Layout::Json));
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        let mut csv = csv::Reader::from_reader(csv.as_bytes());
        assert_eq!(csv.headers().unwrap(), HEAD.split(',').collect::<Vec<_>>());
        let rows: Vec<csv::StringRecord> = csv.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), 2);
        for (row, group) in rows.iter().zip(json["groups"].as_array().unwrap()) {
            let cell = |name: &str| row.get(HEAD.split(',').position(|head| head == name).unwrap()).unwrap();
            let names: Vec<&str> =
                group["names"].as_array().unwrap().iter().filter_map(|name| name.as_str()).collect();
            assert_eq!(cell("group"), group["label"]);
            assert_eq!(cell("names"), names.join("; "));
            let paths = "workers=/parameters/num_workers n=/n reached=/reached seconds=/time_to_accuracy/median \
                         low=/time_to_accuracy/low high=/time_to_accuracy/high speed_up=/speed_up/median \
                         speed_up_low=/speed_up/low speed_up_high=/speed_up/high efficiency=/efficiency/median \
                         compute=/phases/shares/compute communication=/phases/shares/communication \
                         transfer=/phases/shares/transfer waiting=/phases/shares/waiting other=/phases/shares/other";
            for (name, path) in paths.split(' ').map(|pair| pair.split_once('=').unwrap()) {
                let number = cell(name).parse::<f64>().ok();
                assert_eq!(number, group.pointer(path).unwrap().as_f64(), "{name}: {:?}", cell(name));
            }
        }
    }
}
