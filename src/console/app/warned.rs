//! The named warnings as the console has them: since when, muted or not, and the way to what each is about.

use crate::engine::{EngineSnapshot, JournalLine, KnobId};
use crate::warnings::{About, Moment, Name, Standing, Warnings};

use super::lists::{List, RowKey};
use super::{Detail, Overlay, Screen, State, TuningRow, short_model, tuning};

/// Lines of the log on warnings that have appeared, at most.
const LINES: usize = 128;

/// The warnings of this session.
#[derive(Debug, Default)]
pub struct Warned {
    /// Of the present.
    now: Warnings,
    /// At the moment at which the display is held still.
    held: Option<Warnings>,
    /// Each that appeared, a line of the log, newest first.
    lines: Vec<JournalLine>,
    /// The screen and the list to which Esc goes back from what a warning is about.
    back: Option<(Screen, List)>,
}

impl Warned {
    /// Those on display.
    #[must_use]
    pub fn shown(&self) -> &Warnings {
        self.held.as_ref().unwrap_or(&self.now)
    }

    /// Mutes names, as the configuration says.
    pub fn mute(&mut self, names: impl IntoIterator<Item = Name>) {
        for name in names {
            if !self.now.is_muted(name) {
                self.now.mute(name);
            }
        }
    }

    /// The muted names, as they are written.
    pub fn muted(&self) -> impl Iterator<Item = &'static str> {
        self.shown().muted().iter().map(|name| name.word())
    }

    /// Whether Esc goes back to the list.
    #[must_use]
    pub fn leads_back(&self) -> bool {
        self.back.is_some()
    }

    /// Forgets the way back: another way was taken.
    pub(super) fn stay(&mut self) {
        self.back = None;
    }

    /// The lines of the log up to a moment, UTC milliseconds.
    pub fn lines(&self, until_ms: i64) -> impl Iterator<Item = &JournalLine> {
        self.lines.iter().filter(move |line| line.utc_ms <= until_ms)
    }

    /// Holds what is shown still with the display, or lets it go on.
    pub(super) fn freeze(&mut self, frozen: bool) {
        self.held = frozen.then(|| self.now.clone());
    }
}

/// What names a row of the list.
#[must_use]
pub fn key(one: &Standing) -> RowKey {
    (0, format!("{} {}", one.warning.name.word(), one.warning.about.text()))
}

impl State {
    /// The warnings on display, muted ones last.
    #[must_use]
    pub fn visible_warnings(&self) -> Vec<&Standing> {
        self.warned.shown().all().iter().collect()
    }

    /// The selected row of the list, if it is open.
    #[must_use]
    pub fn selected_warning(&self) -> Option<&Standing> {
        let Some(Overlay::Warnings(list)) = self.overlays.last() else { return None };
        let rows = self.visible_warnings();
        rows.get(list.position(&rows, key)).copied()
    }

    /// The warning that the dashboard says in words: the first one that the verdict does not say already.
    #[must_use]
    pub fn first_warning(&self) -> Option<&Standing> {
        let said = said_by_the_verdict(self.shown());
        self.warned.shown().heard().find(|one| Some(one.warning.name) != said)
    }
}

fn said_by_the_verdict(snapshot: &EngineSnapshot) -> Option<Name> {
    use crate::engine::Bottleneck;
    match snapshot.verdict.what {
        Bottleneck::TpmReserved => Some(Name::OverReserved),
        Bottleneck::Client => Some(Name::ClientLimited),
        _ => None,
    }
}

/// Takes in the present. What appears is a line of the log, not a toast.
pub(super) fn look(state: &mut State) {
    let moment = Moment { engine: &state.live, account: state.control.as_deref() };
    let utc_ms = state.live.utc_ms;
    for warning in state.warned.now.look(&moment, state.live.at) {
        let (name, about) = (warning.name.word(), about(&warning.about));
        let text = format!("{name}, {about}: {}; {}", warning.words, warning.remedy);
        state.warned.lines.insert(0, JournalLine { utc_ms, level: warning.name.level(), text });
    }
    state.warned.lines.truncate(LINES);
}

/// `w`: the list, or away with it.
pub(super) fn toggle(state: &mut State) {
    if let Some(Overlay::Warnings(_)) = state.overlays.last() {
        state.overlays.pop();
        return;
    }
    state.overlays.retain(|overlay| !matches!(overlay, Overlay::Warnings(_)));
    state.overlays.push(Overlay::Warnings(List::default()));
}

/// Moves the selection of the list.
pub(super) fn shift(state: &mut State, by: isize) {
    let Some(Overlay::Warnings(list)) = state.overlays.last() else { return };
    let mut list = list.clone();
    list.shift(&state.visible_warnings(), key, by);
    if let Some(Overlay::Warnings(place)) = state.overlays.last_mut() {
        *place = list;
    }
}

/// `m`: mutes the name of the selected row, or lets it be heard again.
pub(super) fn mute(state: &mut State) {
    let Some(one) = state.selected_warning() else { return };
    let (name, row) = (one.warning.name, key(one));
    let muted = state.warned.now.mute(name);
    if let Some(held) = &mut state.warned.held
        && held.is_muted(name) != muted
    {
        held.mute(name);
    }
    // The selection goes with the row, to the end of the list and back.
    if let Some(Overlay::Warnings(list)) = state.overlays.last_mut() {
        list.selected = Some(row);
    }
    let word = name.word();
    state.say(if muted {
        format!("{word} is muted for this session; mute under [warnings] keeps it so")
    } else {
        format!("{word} is heard again")
    });
}

/// Enter: goes to what the selected warning is about. Esc comes back.
pub(super) fn open(state: &mut State) {
    let Some(one) = state.selected_warning() else { return };
    let (about, row) = (one.warning.about.clone(), key(one));
    let back = (state.screen, List { selected: Some(row), ..List::default() });
    state.overlays.clear();
    state.detail = None;
    match about {
        About::Scope(key) => {
            state.screen = Screen::Dashboard;
            state.detail = Some(Detail::Scope { key, scroll: 0 });
        }
        About::Region(region) => {
            state.screen = Screen::Dashboard;
            let scope = state.shown().scopes.iter().find(|scope| scope.key.region == region);
            state.detail = scope.map(|scope| Detail::Scope { key: scope.key.clone(), scroll: 0 });
        }
        About::Arrivals => {
            state.screen = Screen::Tuning;
            let knob = TuningRow::Knob(KnobId::ArrivalRate);
            let at = tuning::rows(&state.live).iter().position(|(_, row)| *row == knob);
            state.tuning.cursor = at.unwrap_or(state.tuning.cursor);
        }
        About::Queue => state.screen = Screen::Dashboard,
        About::Requests => state.screen = Screen::Requests,
        About::Account => state.screen = Screen::Account,
        About::Provisioned { arn, .. } => {
            state.screen = Screen::Provisioned;
            state.detail = Some(Detail::Provisioned { arn, scroll: 0 });
        }
        About::Job { arn, .. } => {
            state.screen = Screen::Batch;
            state.detail = Some(Detail::Job { arn, scroll: 0 });
        }
    }
    state.warned.back = Some(back);
}

/// Esc on what a warning led to: the list again, as it was. `false`: no warning led here.
pub(super) fn come_back(state: &mut State) -> bool {
    let Some((screen, list)) = state.warned.back.take() else { return false };
    state.screen = screen;
    state.detail = None;
    state.overlays.push(Overlay::Warnings(list));
    true
}

/// What a warning is about, in a few words: as the other screens call a scope.
#[must_use]
pub fn about(about: &About) -> String {
    match about {
        About::Scope(key) => format!("{} {}", key.region, short_model(&key.bucket)),
        other => other.text(),
    }
}

/// Where Enter goes from a warning, in words.
#[must_use]
pub fn place(state: &State, about: &About) -> String {
    use crate::console::keys::Place;
    let place = match about {
        About::Scope(_) | About::Region(_) => Place::Scope,
        About::Arrivals => Place::Tuning,
        About::Queue => Place::Dashboard,
        About::Requests => Place::Requests,
        About::Account => Place::Account,
        About::Provisioned { .. } => Place::ProvisionedModel,
        About::Job { .. } => Place::Job,
    };
    match about {
        About::Arrivals => format!("the arrival rate on {}", state.keymap.place(place)),
        _ => state.keymap.place(place),
    }
}
