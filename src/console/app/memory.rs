//! What of the console is kept for the next time: how it looks and is sorted. Never where it points, never a filter,
//! nothing secret.

use serde::{Deserialize, Serialize};

use crate::console::keys::ACTIONS;
use crate::engine::Level;

use super::lists::{RequestSort, level_name};
use super::palette::{Choice, REMEMBERED};
use super::window::ZOOMS;
use super::{Panel, Screen, State, batch, provisioned, usage};

/// The form that this program writes and reads.
const VERSION: u32 = 1;

/// What is kept. Words stand for choices: one that this program does not know counts for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    version: u32,
    /// The theme that was picked; `None`: none was.
    pub theme: Option<String>,
    screen: String,
    focus: String,
    expanded: bool,
    provisioned_sort: String,
    batch_sort: String,
    requests_sort: String,
    account_sort: String,
    /// The width of the charts, seconds; `None`: what fits.
    zoom: Option<u64>,
    log_level: String,
    failed_only: bool,
    /// Actions chosen in the palette, by name, the latest first. Scopes and Regions belong to a target.
    palette: Vec<String>,
}

impl Memory {
    /// Reads what was kept.
    ///
    /// # Errors
    /// It is damaged or of another program; a few words.
    pub fn read(text: &str) -> Result<Memory, String> {
        let damaged = |_| "it is damaged".to_owned();
        // A list would be taken for its fields in order.
        let fields: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).map_err(damaged)?;
        let memory: Memory = serde_json::from_value(fields.into()).map_err(damaged)?;
        match memory.version {
            VERSION => Ok(memory),
            other => Err(format!("it has the form {other}, this program reads {VERSION}")),
        }
    }

    /// What is written down.
    #[must_use]
    pub fn text(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// What of `state` is kept.
    #[must_use]
    pub fn of(state: &State) -> Memory {
        let screen = Screen::ALL.iter().find(|(_, screen, _)| *screen == state.screen);
        Memory {
            version: VERSION,
            theme: state.kept_theme.clone(),
            screen: screen.map(|(.., name)| (*name).to_owned()).unwrap_or_default(),
            focus: state.expanded.unwrap_or(state.focus).title().to_owned(),
            expanded: state.expanded.is_some(),
            provisioned_sort: state.provisioned.sort.name().to_owned(),
            batch_sort: state.batch.sort.name().to_owned(),
            requests_sort: state.requests_sort.name().to_owned(),
            account_sort: state.usage.sort.name().to_owned(),
            zoom: state.window.zoom,
            log_level: level_name(state.level).to_owned(),
            failed_only: state.failed_only,
            palette: state.chosen.iter().filter_map(action_name).collect(),
        }
    }

    /// Puts a console that was just opened where it was left. The theme is not put on here: what flag and file say wins.
    pub fn apply(&self, state: &mut State) {
        state.kept_theme.clone_from(&self.theme);
        if let Some((_, screen, _)) = Screen::ALL.iter().find(|(.., name)| *name == self.screen) {
            state.screen = *screen;
        }
        if let Some(panel) = Panel::ALL.into_iter().find(|panel| panel.title() == self.focus) {
            state.focus = panel;
            state.expanded = self.expanded.then_some(panel);
        }
        state.provisioned.sort =
            round(provisioned::Sort::default(), provisioned::Sort::next, |sort| sort.name() == self.provisioned_sort);
        state.batch.sort = round(batch::Sort::default(), batch::Sort::next, |sort| sort.name() == self.batch_sort);
        state.requests_sort =
            round(RequestSort::default(), RequestSort::next, |sort| sort.name() == self.requests_sort);
        state.usage.sort = round(usage::Sort::default(), usage::Sort::next, |sort| sort.name() == self.account_sort);
        state.window.zoom = self.zoom.filter(|zoom| ZOOMS.contains(zoom));
        let levels = [Level::Info, Level::Warning, Level::Error];
        state.level = levels.into_iter().find(|level| level_name(*level) == self.log_level).unwrap_or(Level::Info);
        state.failed_only = self.failed_only;
        let actions = self.palette.iter().filter_map(|name| ACTIONS.iter().find(|row| row.name == name));
        state.chosen = actions.take(REMEMBERED).map(|row| Choice::Action(row.action)).collect();
    }
}

fn action_name(choice: &Choice) -> Option<String> {
    match choice {
        Choice::Action(action) => Some(action.spec().name.to_owned()),
        _ => None,
    }
}

/// Goes round a circle of choices until one is it; the first if none is.
fn round<T: Copy + PartialEq>(first: T, next: impl Fn(T) -> T, is: impl Fn(T) -> bool) -> T {
    let mut at = first;
    loop {
        if is(at) {
            return at;
        }
        at = next(at);
        if at == first {
            return first;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::console::ui::fixtures;

    fn state() -> State {
        State::new(Arc::new(fixtures::running()), (80, 24), vec!["dusk".to_owned(), "dawn".to_owned()], "dusk")
    }

    #[test]
    fn what_is_kept_comes_back() {
        let mut before = state();
        before.screen = Screen::Log;
        before.level = Level::Error;
        before.expanded = Some(Panel::Regions);
        before.provisioned.sort = provisioned::Sort::Name;
        before.batch.sort = batch::Sort::Errors;
        before.requests_sort = RequestSort::Slowest;
        before.usage.sort = usage::Sort::Region;
        before.window.zoom = Some(300);
        before.failed_only = true;
        before.chosen = vec![Choice::Action(crate::console::keys::Action::Freeze), Choice::Region("us-east-1".into())];
        before.kept_theme = Some("dawn".to_owned());
        before.log.filter = "a filter is not kept".to_owned();
        let kept = Memory::of(&before);
        assert!(!kept.text().contains("filter") && !kept.text().contains("123456789012"), "{}", kept.text());
        let mut after = state();
        Memory::read(&kept.text()).unwrap().apply(&mut after);
        assert_eq!(Memory::of(&after), kept);
        assert_eq!((after.requests_sort, after.usage.sort), (RequestSort::Slowest, usage::Sort::Region));
        assert_eq!(after.window.zoom, Some(300));
        assert_eq!(after.chosen.len(), 1, "a Region belongs to a target");
        assert_eq!((after.screen, after.expanded), (Screen::Log, Some(Panel::Regions)));
    }

    #[test]
    fn what_is_damaged_old_or_unknown_is_no_reason_to_fail() {
        assert_eq!(Memory::read("{\"version\": 1, \"thi").unwrap_err(), "it is damaged");
        assert_eq!(Memory::read("[1]").unwrap_err(), "it is damaged");
        assert!(Memory::read("{\"version\": 9}").unwrap_err().contains("form 9"));
        assert!(Memory::read("{}").unwrap_err().contains("form 0"));
        let odd = "{\"version\": 1, \"screen\": \"Cellar\", \"focus\": \"\", \"batch_sort\": \"colour\", \"zoom\": 7, \"new\": [3]}";
        let mut opened = state();
        Memory::read(odd).unwrap().apply(&mut opened);
        assert_eq!(opened.screen, Screen::Dashboard);
        assert_eq!((opened.batch.sort, opened.window.zoom), (batch::Sort::default(), None));
    }
}
