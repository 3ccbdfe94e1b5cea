use std::time::Duration;

use mlbench_client::{NewPoints, RunsChanged};

use super::{App, Key, Request, Screen, Update};
use crate::commands::testing::failed_run;
use crate::commands::top::testing::{dashboard, detail, id, line, lines, overview, queued, second, started};

fn press(app: &mut App, keys: &str) -> Option<Request> {
    keys.chars().fold(None, |_, key| app.press(Key::Char(key)))
}

fn viewed(app: &App) -> Option<i64> {
    app.focus.as_ref().map(|focus| focus.id.get())
}

#[test]
fn the_first_run_is_in_view_until_another_one_is_selected() {
    let mut app = dashboard();
    assert_eq!(viewed(&app), Some(12));
    assert_eq!(app.wanted().focus, Some(id(12)));
    assert_eq!(app.wanted().active, [id(12)], "a run that waits has no values");
    press(&mut app, "jj");
    assert_eq!(viewed(&app), Some(11));
    app.press(Key::End);
    assert_eq!(viewed(&app), Some(10));
    app.press(Key::Home);
    assert_eq!(viewed(&app), Some(12));
}

#[test]
fn enter_and_escape_open_and_close_a_run() {
    let mut app = dashboard();
    app.press(Key::Enter);
    assert_eq!(app.screen, Screen::Run);
    press(&mut app, "l");
    assert_eq!(app.screen, Screen::Logs { from_run: true });
    app.press(Key::Escape);
    assert_eq!(app.screen, Screen::Run);
    press(&mut app, "q");
    assert_eq!(app.screen, Screen::Overview);
    press(&mut app, "l");
    assert_eq!(app.screen, Screen::Logs { from_run: false });
    press(&mut app, "q");
    assert_eq!(app.screen, Screen::Overview);
    press(&mut app, "w");
    assert_eq!(app.screen, Screen::Workers);
    press(&mut app, "q");
    assert_eq!(press(&mut app, "q"), Some(Request::Quit));
    assert_eq!(app.press(Key::Escape), Some(Request::Quit));
}

#[test]
fn a_run_stops_after_the_question_only() {
    let mut app = dashboard();
    assert_eq!(press(&mut app, "s"), None);
    assert_eq!(app.question, Some(id(12)));
    assert_eq!(press(&mut app, "n"), None);
    assert_eq!(app.question, None);
    assert_eq!(press(&mut app, "s"), None);
    assert_eq!(app.press(Key::Enter), None, "only y stops it");
    assert_eq!(press(&mut app, "sy"), Some(Request::Stop(id(12))));
    press(&mut app, "jjs");
    assert_eq!(app.question, None);
    assert_eq!(app.notice().unwrap().text, "run 11 (\"first\") has ended already: FAILED");
}

#[test]
fn the_question_is_about_the_run_that_was_selected_then() {
    let mut app = dashboard();
    press(&mut app, "s");
    let changed = RunsChanged { runs: vec![started(20, "new")], deleted: Vec::new() };
    app.apply(Update::Runs(changed)).unwrap();
    assert_eq!(viewed(&app), Some(20));
    assert_eq!(press(&mut app, "y"), Some(Request::Stop(id(12))));
}

#[test]
fn keys_of_the_filter_are_no_commands() {
    let mut app = dashboard();
    assert_eq!(press(&mut app, "/qs"), None);
    assert_eq!((app.runs.filter(), app.runs.shown().count(), viewed(&app)), ("qs", 0, None));
    app.press(Key::Backspace);
    app.press(Key::Erase);
    press(&mut app, "first");
    app.press(Key::Enter);
    assert_eq!((app.edits_filter, viewed(&app)), (false, Some(11)));
    app.press(Key::Escape);
    assert_eq!((app.runs.filter(), app.runs.shown().count()), ("", 4));
    let long = "x".repeat(1_000);
    press(&mut app, "/");
    press(&mut app, &long);
    assert_eq!(app.runs.filter().len(), 100);
    app.press(Key::Escape);
    assert_eq!((app.edits_filter, app.runs.filter()), (false, ""));
}

#[test]
fn control_keys_work_everywhere() {
    for keys in ["", "s", "?", "/", "l", "w"] {
        for (key, request) in [
            (Key::Interrupt, Request::Interrupt),
            (Key::Suspend, Request::Suspend),
            (Key::Redraw, Request::Redraw),
        ] {
            let mut app = dashboard();
            press(&mut app, keys);
            assert_eq!(app.press(key), Some(request), "{keys}");
        }
    }
}

#[test]
fn any_key_closes_the_help() {
    let mut app = dashboard();
    press(&mut app, "?");
    assert!(app.shows_help);
    assert_eq!(press(&mut app, "q"), None);
    assert!(!app.shows_help);
}

#[test]
fn a_run_that_is_deleted_closes() {
    let mut app = dashboard();
    app.press(Key::Enter);
    let changed = RunsChanged { runs: Vec::new(), deleted: vec![id(12)] };
    app.apply(Update::Runs(changed)).unwrap();
    assert_eq!((app.screen, viewed(&app)), (Screen::Overview, Some(13)));
    assert_eq!(app.notice().unwrap().text, "run 12 was deleted");
    app.apply(overview(Vec::new())).unwrap();
    assert_eq!((viewed(&app), app.runs.len()), (None, 0));
}

#[test]
fn an_open_run_stays_while_others_start() {
    let mut app = dashboard();
    app.press(Key::Enter);
    let changed = RunsChanged { runs: vec![started(20, "new")], deleted: Vec::new() };
    app.apply(Update::Runs(changed)).unwrap();
    assert_eq!(viewed(&app), Some(12));
}

#[test]
fn what_belongs_to_another_run_is_not_shown() {
    let mut app = dashboard();
    let before = app.focus.as_ref().unwrap().lines().count();
    app.apply(lines(11, [(9, "of another run")])).unwrap();
    app.apply(detail(queued(13, "next"))).unwrap();
    let points = NewPoints { after: 0, run_id: Some(id(11)), pod_name: None, metrics: [].into() };
    app.apply(Update::DetailPoints(points)).unwrap();
    let focus = app.focus.as_ref().unwrap();
    assert_eq!((focus.id, focus.lines().count()), (id(12), before));
    assert!(!app.apply(Update::Unfinished { id: id(11), lines: vec![line(0, "x")] }).unwrap());
    app.apply(lines(12, [(3, "known"), (4, "new")])).unwrap();
    let texts: Vec<&str> = app.focus.as_ref().unwrap().lines().map(|line| line.text.as_str()).collect();
    assert_eq!(texts[2..], ["\u{1b}]0;title\u{7}harm", "new"], "the unfinished line has ended");
}

#[test]
fn the_age_of_what_is_shown_counts_from_the_last_response() {
    let mut app = dashboard();
    assert!(!app.apply(Update::Away(false)).unwrap());
    app.tick(second(70));
    assert!(app.apply(Update::Away(true)).unwrap());
    app.tick(second(71));
    assert!(!app.apply(Update::Away(true)).unwrap());
    assert_eq!(app.away_since, Some(second(64)));
    assert!(app.is_ticking());
    assert!(app.apply(Update::Away(false)).unwrap());
    assert_eq!(app.away_since, None);
}

#[test]
fn nothing_ticks_on_a_server_at_rest() {
    let mut app = App::new("http://127.0.0.1:8000", second(0));
    app.apply(overview(vec![failed_run(1, "a")])).unwrap();
    assert!(!app.is_ticking());
    app.apply(Update::Notice { text: "stopping run 1".to_owned(), is_problem: false }).unwrap();
    assert!(app.is_ticking());
    app.tick(second(0).saturating_add(Duration::from_secs(60)));
    assert!(app.notice().is_none() && !app.is_ticking());
}
