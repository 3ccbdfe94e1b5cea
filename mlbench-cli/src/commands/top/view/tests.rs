use insta::assert_snapshot;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::{Memory, Theme, draw};
use crate::commands::top::state::{App, Key, Update};
use crate::commands::top::testing::{dashboard, lines, second};

/// Returns what a terminal shows, and its cells with their styles.
fn terminal(app: &App, columns: u16, rows: u16, has_colours: bool) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    let mut memory = Memory::default();
    terminal.draw(|frame| draw(frame, app, &mut memory, Theme { has_colours })).unwrap();
    terminal
}

fn shown(app: &App, columns: u16, rows: u16) -> String {
    terminal(app, columns, rows, true).backend().to_string()
}

fn press(app: &mut App, keys: &str) {
    for key in keys.chars() {
        app.press(Key::Char(key));
    }
}

#[test]
fn the_overview_fits_into_80_columns() {
    assert_snapshot!(shown(&dashboard(), 80, 24));
}

#[test]
fn a_run_fits_into_80_columns() {
    let mut app = dashboard();
    app.press(Key::Enter);
    assert_snapshot!(shown(&app, 80, 24));
}

#[test]
fn output_is_shown_from_its_end() {
    let mut app = dashboard();
    press(&mut app, "l");
    assert_snapshot!(shown(&app, 60, 8));
    app.press(Key::Up);
    app.apply(lines(12, [(4, "new")])).unwrap();
    let text = shown(&app, 60, 8);
    assert!(text.contains("2 lines above the end") && !text.contains("new"), "{text}");
    app.press(Key::End);
    assert!(shown(&app, 60, 8).contains("[0] new"));
}

#[test]
fn a_question_names_the_run() {
    let mut app = dashboard();
    press(&mut app, "s");
    let text = shown(&app, 80, 24);
    assert!(text.contains("Stop run 12 \"train\"?"), "{text}");
}

#[test]
fn the_help_lists_the_keys() {
    let mut app = dashboard();
    press(&mut app, "?");
    assert_snapshot!(shown(&app, 80, 24));
}

#[test]
fn the_age_is_shown_while_the_server_is_away() {
    let mut app = dashboard();
    app.apply(Update::Away(true)).unwrap();
    app.tick(second(64 + 75));
    let text = shown(&app, 80, 24);
    assert!(text.contains("reconnecting… shown is 1m15s old"), "{text}");
}

#[test]
fn the_filter_is_shown_while_it_is_written() {
    let mut app = dashboard();
    press(&mut app, "/nothing");
    let text = shown(&app, 80, 24);
    assert!(text.contains("filter: nothing") && text.contains("no run has these words"), "{text}");
}

#[test]
fn no_size_and_no_screen_panics() {
    for keys in ["", "s", "?", "/ab", "w", "l", "E", "Es"] {
        let mut app = dashboard();
        for key in keys.chars() {
            app.press(if key == 'E' { Key::Enter } else { Key::Char(key) });
        }
        for columns in (0..6).chain([12, 20, 33, 40, 80, 160]) {
            for rows in (0..5).chain([9, 12, 18, 24, 50]) {
                terminal(&app, columns, rows, true);
            }
        }
    }
    shown(&App::new("http://127.0.0.1:8000", second(0)), 80, 24);
}

#[test]
fn no_text_controls_the_terminal() {
    let mut app = dashboard();
    for key in [Key::Enter, Key::Char('l')] {
        app.press(key);
        let text = shown(&app, 120, 30);
        assert!(!text.replace('\n', "").contains(char::is_control), "{text:?}");
        assert!(text.contains("\\u{1b}"), "{text}");
    }
}

#[test]
fn no_colour_appears_without_colours() {
    let mut app = dashboard();
    for screen in ["", "w", "ql"] {
        press(&mut app, screen);
        let coloured = |has_colours| {
            let terminal = terminal(&app, 120, 40, has_colours);
            let cells = &terminal.backend().buffer().content;
            cells.iter().any(|cell| {
                cell.fg != ratatui::style::Color::Reset || cell.bg != ratatui::style::Color::Reset
            })
        };
        assert!(coloured(true) && !coloured(false), "{screen}");
    }
}
