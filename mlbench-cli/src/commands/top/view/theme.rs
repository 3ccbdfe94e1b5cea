//! [`Theme`]: colours and styles.

use mlbench_client::RunState;
use ratatui::style::{Color, Modifier, Style};

/// Colours, or none. Every meaning also has a word, a sign or a place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Theme {
    /// Whether colours are wanted.
    pub(crate) has_colours: bool,
}

impl Theme {
    fn colour(self, colour: Color) -> Style {
        if self.has_colours { Style::new().fg(colour) } else { Style::new() }
    }

    /// Returns the style of a state.
    pub(crate) fn state(self, state: RunState) -> Style {
        match state {
            RunState::Initialized => self.colour(Color::Yellow),
            RunState::Started => self.colour(Color::Cyan).add_modifier(Modifier::BOLD),
            RunState::Finished => self.colour(Color::Green),
            RunState::Failed => self.colour(Color::Red),
            RunState::Stopped | RunState::Unknown => self.colour(Color::Magenta),
        }
    }

    pub(crate) fn heading(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// Returns the style of what is less important.
    pub(crate) fn quiet(self) -> Style {
        if self.has_colours {
            Style::new().fg(Color::DarkGray)
        } else {
            Style::new().add_modifier(Modifier::DIM)
        }
    }

    pub(crate) fn selected(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    pub(crate) fn good(self) -> Style {
        self.colour(Color::Green)
    }

    pub(crate) fn problem(self) -> Style {
        self.colour(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// Returns the style of the curve with this number.
    pub(crate) fn curve(self, number: usize) -> Style {
        let colours = [Color::Cyan, Color::Green, Color::Magenta, Color::Blue, Color::Yellow];
        self.colour(colours[number % colours.len()])
    }

    pub(crate) fn goal(self) -> Style {
        self.colour(Color::Yellow)
    }
}
