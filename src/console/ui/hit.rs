//! What of the screen takes a click. Whatever is drawn says so itself while it is drawn, so that nothing else has to know
//! where it stands.

use std::cell::RefCell;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::console::app::{Hit, State};

use super::render;
use super::widgets::Kit;

/// The regions of one drawing.
#[derive(Debug, Default)]
pub struct Hits(RefCell<Vec<(Rect, Hit)>>);

impl Hits {
    /// This region takes clicks.
    pub fn add(&self, area: Rect, hit: Hit) {
        self.0.borrow_mut().push((area, hit));
    }

    /// What is drawn from now on lies over everything before.
    pub fn cover(&self) {
        self.0.borrow_mut().clear();
    }

    /// The innermost at a cell: what was drawn last.
    fn at(&self, position: Position) -> Option<Hit> {
        let regions = self.0.borrow();
        let here = || regions.iter().rev().filter(|(area, _)| area.contains(position)).map(|(_, hit)| *hit);
        match here().next()? {
            Hit::Row(row) => {
                let panel = here().find_map(|hit| if let Hit::Panel(panel) = hit { Some(panel) } else { None });
                Some(panel.map_or(Hit::Row(row), |panel| Hit::PanelRow(panel, row)))
            }
            hit => Some(hit),
        }
    }
}

/// What of the screen that `state` has a click at a cell is on.
#[must_use]
pub fn hit(state: &State, kit: Kit<'_>, column: u16, row: u16) -> Option<Hit> {
    let hits = Hits::default();
    let area = Rect { x: 0, y: 0, width: state.size.0, height: state.size.1 };
    let mut buffer = Buffer::empty(area);
    render(state, Kit { hits: Some(&hits), ..kit }, area, &mut buffer);
    hits.at(Position { x: column, y: row })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::console::app::{Msg, Overlay, Panel, Screen, confirm::Button, update};
    use crate::console::keys::{Action, Chord, Key, Place};
    use crate::console::term::{ColourDepth, GlyphLevel};
    use crate::console::ui::dump::text_dump;
    use crate::console::ui::fixtures;
    use crate::console::ui::glyphs::Glyphs;
    use crate::console::ui::theme::Theme;
    use crate::engine::EngineSnapshot;

    fn open(snapshot: EngineSnapshot) -> State {
        let snapshot = Arc::new(snapshot);
        let mut state = State::new(snapshot.clone(), (120, 40), vec!["dusk".into(), "dawn".into()], "dusk");
        let at = snapshot.at;
        update(&mut state, Msg::Snapshot(snapshot), at);
        update(&mut state, Msg::Control(Arc::new(fixtures::account().0)), at);
        state
    }

    fn press(state: &mut State, keys: &str) {
        for key in keys.split_whitespace() {
            let key = if key == "Enter" { Key::Enter } else { Key::Char(key.chars().next().unwrap()) };
            let now = state.now;
            update(state, Msg::Key(Chord::plain(key)), now);
        }
        state.toast = None;
    }

    /// What the first cell of the first place with this text takes a click as.
    fn at(state: &State, text: &str) -> Option<Hit> {
        let theme = Theme::embedded("dusk", ColourDepth::TrueColour).unwrap().unwrap();
        let kit = Kit::new(&theme, Glyphs::of(GlyphLevel::Ascii));
        let area = Rect { x: 0, y: 0, width: state.size.0, height: state.size.1 };
        let mut buffer = Buffer::empty(area);
        render(state, kit, area, &mut buffer);
        let dump = text_dump(&buffer);
        let (row, line) = dump.lines().enumerate().find(|(_, line)| line.contains(text)).expect(text);
        let column = line[..line.find(text).unwrap()].chars().count();
        hit(state, kit, column as u16, row as u16)
    }

    fn click(state: &mut State, text: &str) -> usize {
        let hit = at(state, text).unwrap_or_else(|| panic!("`{text}` takes no click"));
        let now = state.now;
        update(state, Msg::Click(hit), now).len()
    }

    #[test]
    fn what_is_drawn_says_what_it_is() {
        let mut state = open(fixtures::running());
        assert_eq!(at(&state, "Requests"), Some(Hit::Tab(Screen::Requests)));
        assert_eq!(at(&state, "q quit"), Some(Hit::Hint(Action::Quit)));
        assert_eq!(at(&state, "Verdict"), Some(Hit::Panel(Panel::Verdict)));
        assert_eq!(at(&state, "us-west-2 claude"), Some(Hit::PanelRow(Panel::Quota, 1)));
        assert_eq!(at(&state, "14:15:02"), None);
        press(&mut state, "2");
        assert!(matches!(at(&state, "concurrency"), Some(Hit::Row(_))));
        // What lies below a question or the palette takes nothing.
        press(&mut state, ": p a u");
        assert_eq!(at(&state, "Requests"), None);
        assert!(matches!(at(&state, "breaker pause"), Some(Hit::Row(_))));
    }

    #[test]
    fn clicks_do_what_they_are_on() {
        let mut state = open(fixtures::running());
        click(&mut state, "us-west-2 claude");
        assert_eq!((state.focus, state.row), (Panel::Quota, 1));
        click(&mut state, "Verdict");
        assert_eq!(state.focus, Panel::Verdict);
        click(&mut state, "Provisioned");
        assert_eq!(state.place(), Place::Provisioned);
        let third = state.visible_provisioned()[2].model.name.clone();
        click(&mut state, &third);
        assert_eq!(state.selected_provisioned().unwrap().model.name, third);
        assert_eq!(click(&mut state, "p pause"), 1);
        press(&mut state, ":");
        click(&mut state, "stop load");
        assert!(state.palette.as_ref().unwrap().cursor > 0);
        assert_eq!(click(&mut state, "Enter do it"), 1);
        press(&mut state, "t");
        click(&mut state, "dawn");
        assert_eq!(state.theme_name(), "dawn");
        press(&mut state, "Enter L");
        let now = state.now;
        update(&mut state, Msg::Click(Hit::Field(1)), now);
        match state.overlays.last() {
            Some(Overlay::Form(form)) => assert_eq!(form.focus, form.visible()[1].id),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn no_click_answers_a_question_with_yes() {
        let mut snapshot = fixtures::aws_read_only();
        snapshot.target.read_only = false;
        let mut state = open(snapshot);
        press(&mut state, "L Enter");
        assert_eq!(state.place(), Place::Dialog);
        let focus = |state: &State| match state.overlays.last() {
            Some(Overlay::Dialog(dialog)) => dialog.focus,
            other => panic!("{other:?}"),
        };
        for _ in 0..2 {
            let now = state.now;
            assert!(update(&mut state, Msg::Click(Hit::Button(1)), now).is_empty());
            assert_eq!(focus(&state), Button::Accept);
            assert!(update(&mut state, Msg::Click(Hit::Hint(Action::Submit)), now).is_empty());
            assert_eq!(state.place(), Place::Dialog);
            state.toast = None;
        }
        assert_eq!(at(&state, "Cancel"), Some(Hit::Button(0)));
        click(&mut state, "Cancel");
        assert_ne!(state.place(), Place::Dialog);
    }
}
