//! A screen as a picture, without a terminal.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::control::ControlSnapshot;
use crate::engine::EngineSnapshot;

use super::app::{Breakpoint, Msg, Screen, State, Tape, update};
use super::keys::{Chord, Key};
use super::term::{ColourDepth, GlyphLevel};
use super::themes::Themes;
use super::ui;
use super::ui::glyphs::Glyphs;
use super::ui::svg::svg;
use super::ui::theme::{DEFAULT, Theme};
use super::ui::widgets::Kit;

/// The largest picture that is drawn.
const LARGEST: (u16, u16) = (500, 200);

/// Details and what lies over a screen, by name, with the keys that lead there.
const BEYOND: [(&str, &[Chord]); 3] = [
    ("scope", &[Chord::char('1'), Chord::plain(Key::Enter)]),
    ("request", &[Chord::char('5'), Chord::plain(Key::Enter)]),
    ("help", &[Chord::char('?')]),
];

/// The names of what there are pictures of: the screens, the detail of a scope and of a record, help.
pub fn names() -> Vec<String> {
    let screens = Screen::ALL.iter().map(|(_, _, name)| name.to_lowercase());
    screens.chain(BEYOND.iter().map(|(name, _)| (*name).to_owned())).collect()
}

/// What a picture is to be of.
#[derive(Clone, Debug)]
pub struct Shot {
    /// A screen by name; `None`: the one that is shown.
    pub screen: Option<String>,
    /// Columns and rows.
    pub size: (u16, u16),
    /// The theme; `None`: the one in use.
    pub theme: Option<String>,
    /// The folder of the operator's own themes.
    pub themes: Option<PathBuf>,
}

/// A console that was opened this moment, for a picture of it.
#[must_use]
pub fn state_of(snapshot: Arc<EngineSnapshot>, account: Option<Arc<ControlSnapshot>>) -> State {
    let names = Theme::names().map(str::to_owned).collect();
    let mut state = State::new(snapshot.clone(), (80, 24), names, DEFAULT);
    let now = state.now;
    update(&mut state, Msg::Snapshot(snapshot), now);
    if let Some(account) = account {
        update(&mut state, Msg::Control(account), now);
    }
    state
}

impl Shot {
    /// The picture, as SVG.
    ///
    /// # Errors
    /// No such screen or theme, or a size at which none can be drawn; one line.
    pub fn take(&self, mut state: State) -> Result<String, String> {
        let (size, least, most) = (self.size, Breakpoint::LEAST, LARGEST);
        if size.0 < least.0 || size.1 < least.1 || size.0 > most.0 || size.1 > most.1 {
            return Err(format!("a screen has {}x{} to {}x{} cells", least.0, least.1, most.0, most.1));
        }
        let mut themes = Themes::new(self.themes.clone(), ColourDepth::TrueColour);
        themes.look(Instant::now());
        let theme = self.theme.as_deref().unwrap_or(state.theme_name());
        let theme = themes.get(theme).filter(|found| self.theme.is_none() || found.name() == theme);
        let theme = theme.ok_or_else(|| format!("no such theme; there are: {}", themes.names().join(", ")))?;
        state.size = size;
        // The screen as it was: a picture is no replay.
        state.tape = Tape::None;
        state.toast = None;
        if let Some(wanted) = &self.screen {
            go(&mut state, wanted)?;
        }
        Ok(draw(&state, size, &theme))
    }
}

/// Presses the keys that lead to a screen.
fn go(state: &mut State, wanted: &str) -> Result<(), String> {
    let screen = Screen::ALL.iter().find(|(_, _, name)| name.eq_ignore_ascii_case(wanted));
    let keys = match (screen, BEYOND.iter().find(|(name, _)| *name == wanted)) {
        (Some((digit, ..)), _) => vec![Chord::char(*digit)],
        (None, Some((_, keys))) => keys.to_vec(),
        (None, None) => return Err(format!("there is no screen `{wanted}`; there are: {}", names().join(", "))),
    };
    state.entry = None;
    state.palette = None;
    state.overlays.clear();
    // The way there is written in the table's keys, whatever the operator's are.
    let own = std::mem::take(&mut state.keymap);
    for key in keys {
        let now = state.now;
        update(state, Msg::Key(key), now);
    }
    state.keymap = own;
    match state.toast.take().filter(|toast| toast.bad) {
        Some(toast) => Err(format!("{wanted}: {}", toast.text)),
        None => Ok(()),
    }
}

/// The picture of what `state` shows.
pub(super) fn draw(state: &State, (width, height): (u16, u16), theme: &Theme) -> String {
    let theme = theme.at_depth(ColourDepth::TrueColour);
    let area = Rect::new(0, 0, width, height);
    let mut buffer = Buffer::empty(area);
    ui::render(state, Kit::new(&theme, Glyphs::of(GlyphLevel::Braille)), area, &mut buffer);
    svg(&buffer, &theme, "bedrock-top")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::ui::fixtures;

    fn of(screen: Option<&str>, size: (u16, u16)) -> Result<String, String> {
        let state = state_of(Arc::new(fixtures::running()), Some(Arc::new(fixtures::account().0)));
        Shot { screen: screen.map(str::to_owned), size, theme: None, themes: None }.take(state)
    }

    #[test]
    fn every_name_has_a_picture_of_its_own() {
        let mut seen = Vec::new();
        for name in names() {
            let svg = of(Some(&name), (120, 40)).unwrap_or_else(|why| panic!("{name}: {why}"));
            assert!(svg.ends_with("</svg>\n") && !seen.contains(&svg), "{name}");
            seen.push(svg);
        }
        assert_eq!(of(None, (120, 40)).unwrap(), seen[0]);
    }

    #[test]
    fn what_cannot_be_drawn_is_said() {
        assert!(of(Some("cellar"), (80, 24)).unwrap_err().contains("dashboard, tuning"));
        assert!(of(None, (10, 3)).unwrap_err().contains("60x15"));
        assert!(of(None, (60_000, 60_000)).is_err());
    }
}
