//! What the console remembers.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::console::keys::{Action, Keymap, Place};
use crate::control::{AgreedPrice, ControlSnapshot};
use crate::engine::{EngineSnapshot, JournalLine, KnobId, Level, LoadState, RequestView};
use crate::record::{Micros, Route, ScopeKey};

use super::batch::Batch;
use super::confirm::{self, Agreement, Dialog};
use super::entry::{Entry, Target};
use super::filter::{self, Filter};
use super::form::Form;
use super::lists::{self, List, RequestSort};
use super::palette::{Choice, Palette};
use super::provisioned::Provisioned;
use super::settings::Settings;
use super::tuning::{Tuning, TuningRow};
use super::usage::Usage;
use super::warned::Warned;
use super::{Breakpoint, ModelPrice, Orders, Panel, Tape, Window};

/// A screen, reached by its digit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Screen {
    /// 1.
    #[default]
    Dashboard,
    /// 2.
    Tuning,
    /// 3.
    Provisioned,
    /// 4.
    Batch,
    /// 5.
    Requests,
    /// 6.
    Account,
    /// 7.
    Log,
    /// 8.
    Settings,
}

impl Screen {
    /// The screens that are built, in the order of their digits.
    pub const ALL: [(char, Screen, &'static str); 8] = [
        ('1', Screen::Dashboard, "Dashboard"),
        ('2', Screen::Tuning, "Tuning"),
        ('3', Screen::Provisioned, "Provisioned"),
        ('4', Screen::Batch, "Batch"),
        ('5', Screen::Requests, "Requests"),
        ('6', Screen::Account, "Account"),
        ('7', Screen::Log, "Log"),
        ('8', Screen::Settings, "Settings"),
    ];

    /// The action that shows it.
    #[must_use]
    pub const fn action(self) -> Action {
        match self {
            Screen::Dashboard => Action::Dashboard,
            Screen::Tuning => Action::Tuning,
            Screen::Provisioned => Action::Provisioned,
            Screen::Batch => Action::Batch,
            Screen::Requests => Action::Requests,
            Screen::Account => Action::Account,
            Screen::Log => Action::Log,
            Screen::Settings => Action::Settings,
        }
    }
}

/// A detail over a screen; Esc goes back.
#[derive(Clone, Debug)]
pub enum Detail {
    /// A scope's limiter from inside.
    Scope {
        /// Whose.
        key: ScopeKey,
        /// First line shown.
        scroll: u16,
    },
    /// A finished record, kept even when newer ones push it out of the snapshot.
    Request {
        /// The record.
        request: Box<RequestView>,
        /// First line shown.
        scroll: u16,
    },
    /// A provisioned model.
    Provisioned {
        /// Which.
        arn: String,
        /// First line shown.
        scroll: u16,
    },
    /// What an account needs before its first batch job.
    Recipe {
        /// First line shown.
        scroll: u16,
    },
    /// A route of the account.
    Account {
        /// Which.
        route: Route,
        /// First line shown.
        scroll: u16,
    },
    /// A batch job.
    Job {
        /// Which.
        arn: String,
        /// First line shown.
        scroll: u16,
    },
    /// Every request for a higher quota.
    Increases {
        /// The selected one.
        at: usize,
    },
    /// What the workload at hand costs bought in each way.
    Ways {
        /// The route whose workload it is; `None`: our load's.
        route: Option<Route>,
        /// First row shown.
        scroll: u16,
    },
}

/// What lies on top and has the keys.
#[derive(Debug)]
pub enum Overlay {
    /// Keys and terms.
    Help {
        /// First line shown.
        scroll: u16,
    },
    /// A form.
    Form(Box<Form>),
    /// A question.
    Dialog(Box<Dialog>),
    /// The list of named warnings.
    Warnings(List),
    /// The theme picker.
    Themes {
        /// The theme to go back to.
        before: usize,
    },
}

/// A line for the operator that goes away by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Toast {
    /// What to say.
    pub text: String,
    /// Whether something is wrong.
    pub bad: bool,
    /// When it was said.
    pub at: Micros,
}

/// The console is leaving: the load drains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaving {
    /// Since when.
    pub since: Micros,
}

/// The console wants to be suspended: the load is pausing first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suspending {
    /// Whether this console paused the load and must resume it afterwards.
    pub resume: bool,
    /// The effect is out; waiting to be continued.
    pub asleep: bool,
}

/// Everything the console remembers.
#[derive(Debug)]
pub struct State {
    /// The engine's latest snapshot.
    pub live: Arc<EngineSnapshot>,
    /// The snapshot at which the display is held still.
    pub frozen: Option<Arc<EngineSnapshot>>,
    /// The snapshot on display while nothing happens.
    pub resting: Option<Arc<EngineSnapshot>>,
    /// The last second of the history when it came to rest.
    pub rests_since: Option<u64>,
    /// The account's latest snapshot; `None`: this console has no account to manage.
    pub control: Option<Arc<ControlSnapshot>>,
    /// The account at which the display is held still.
    pub frozen_control: Option<Arc<ControlSnapshot>>,
    /// What was changed in the account, as lines of the log.
    pub changes: Vec<JournalLine>,
    /// The time of the last message, on the run's clock.
    pub now: Micros,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// The screen.
    pub screen: Screen,
    /// A detail over it.
    pub detail: Option<Detail>,
    /// What lies on top, the last one topmost.
    pub overlays: Vec<Overlay>,
    /// A field that is being typed in.
    pub entry: Option<Entry>,
    /// The palette, when it is open: over everything, and what it lists is for what lies below it.
    pub palette: Option<Palette>,
    /// What was chosen in it, the latest first.
    pub chosen: Vec<Choice>,
    /// The keys in use.
    pub keymap: Keymap,
    /// The dashboard's focused panel.
    pub focus: Panel,
    /// The focused panel is shown alone.
    pub expanded: Option<Panel>,
    /// The selected row of the focused panel.
    pub row: usize,
    /// The time that the dashboard's charts show.
    pub window: Window,
    /// The tuning screen.
    pub tuning: Tuning,
    /// The screen of provisioned throughput.
    pub provisioned: Provisioned,
    /// The screen of batch jobs.
    pub batch: Batch,
    /// The screen of the account's use.
    pub usage: Usage,
    /// Orders to the account.
    pub orders: Orders,
    /// The requests screen.
    pub requests: List,
    /// Their order.
    pub requests_sort: RequestSort,
    /// Failed records only.
    pub failed_only: bool,
    /// The log screen.
    pub log: List,
    /// The least level shown there.
    pub level: Level,
    /// The settings screen.
    pub settings: Settings,
    /// After a load the dashboard is the account's again.
    pub after_load: bool,
    /// Who and whose account it is is masked in everything drawn.
    pub private: bool,
    /// Named warnings.
    pub warned: Warned,
    /// A line for the operator.
    pub toast: Option<Toast>,
    /// Leaving.
    pub leaving: Option<Leaving>,
    /// Going to sleep.
    pub suspending: Option<Suspending>,
    /// What the operator has agreed to spend.
    pub agreed: Option<Agreement>,
    /// Names of the themes.
    pub themes: Vec<String>,
    /// The theme in use.
    pub theme: usize,
    /// The theme that was picked, now or an earlier time; `None`: none ever was.
    pub kept_theme: Option<String>,
    /// Whether it is being recorded, or a recording.
    pub tape: Tape,
    /// Prices of the models in use.
    pub prices: Vec<ModelPrice>,
    /// Prices of model units by configuration.
    pub agreed_prices: Vec<AgreedPrice>,
}

impl State {
    /// A console that has just been opened.
    #[must_use]
    pub fn new(first: Arc<EngineSnapshot>, size: (u16, u16), themes: Vec<String>, theme: &str) -> State {
        let theme = themes.iter().position(|name| name == theme).unwrap_or(0);
        State {
            now: first.at,
            live: first,
            frozen: None,
            resting: None,
            rests_since: None,
            control: None,
            frozen_control: None,
            changes: Vec::new(),
            size,
            screen: Screen::Dashboard,
            detail: None,
            overlays: Vec::new(),
            entry: None,
            palette: None,
            chosen: Vec::new(),
            keymap: Keymap::default(),
            focus: Panel::Quota,
            expanded: None,
            row: 0,
            window: Window::default(),
            tuning: Tuning::default(),
            provisioned: Provisioned::default(),
            batch: Batch::default(),
            usage: Usage::default(),
            orders: Orders::default(),
            requests: List::default(),
            requests_sort: RequestSort::default(),
            failed_only: false,
            log: List::default(),
            level: Level::Info,
            settings: Settings::default(),
            after_load: false,
            private: false,
            warned: Warned::default(),
            toast: None,
            leaving: None,
            suspending: None,
            agreed: None,
            themes,
            theme,
            kept_theme: None,
            tape: Tape::None,
            prices: Vec::new(),
            agreed_prices: Vec::new(),
        }
    }

    /// The snapshot on display: the frozen one, the one at rest, or the latest.
    #[must_use]
    pub fn shown(&self) -> &Arc<EngineSnapshot> {
        self.frozen.as_ref().or(self.resting.as_ref()).unwrap_or(&self.live)
    }

    /// The moment on display: countdowns stand still while the display is frozen.
    #[must_use]
    pub fn shown_at(&self) -> Micros {
        self.frozen.as_ref().map_or(self.now, |snapshot| snapshot.at)
    }

    /// UTC now, milliseconds since 1970: the latest snapshot's, moved on by the time since.
    #[must_use]
    pub fn utc_ms(&self) -> i64 {
        let since = self.now.since(self.live.at).0 / 1_000;
        self.live.utc_ms.saturating_add(i64::try_from(since).unwrap_or(i64::MAX))
    }

    /// How old the data on display are.
    #[must_use]
    pub fn age(&self) -> Micros {
        let snapshot = self.frozen.as_ref().unwrap_or(&self.live);
        self.now.since(snapshot.at)
    }

    /// Where the keyboard is.
    #[must_use]
    pub fn place(&self) -> Place {
        if self.palette.is_some() { Place::Palette } else { self.place_beneath() }
    }

    /// Where the keyboard is once the palette is closed; without one, where it is.
    #[must_use]
    pub fn place_beneath(&self) -> Place {
        if self.entry.is_some() {
            return Place::Entry;
        }
        if let Some(top) = self.overlays.last() {
            return match top {
                Overlay::Help { .. } => Place::Help,
                Overlay::Warnings(_) => Place::Warnings,
                Overlay::Form(_) => Place::Form,
                Overlay::Dialog(_) => Place::Dialog,
                Overlay::Themes { .. } => Place::Themes,
            };
        }
        match &self.detail {
            Some(Detail::Scope { .. }) => return Place::Scope,
            Some(Detail::Request { .. }) => return Place::Request,
            Some(Detail::Provisioned { .. }) => return Place::ProvisionedModel,
            Some(Detail::Job { .. }) => return Place::Job,
            Some(Detail::Account { .. }) => return Place::AccountRoute,
            Some(Detail::Recipe { .. }) => return Place::Recipe,
            Some(Detail::Increases { .. }) => return Place::Increases,
            Some(Detail::Ways { .. }) => return Place::Ways,
            None => {}
        }
        match self.screen {
            Screen::Dashboard => Place::Dashboard,
            Screen::Tuning => Place::Tuning,
            Screen::Provisioned => Place::Provisioned,
            Screen::Batch => Place::Batch,
            Screen::Requests => Place::Requests,
            Screen::Account => Place::Account,
            Screen::Log => Place::Log,
            Screen::Settings => Place::Settings,
        }
    }

    /// The layout for the terminal's size.
    #[must_use]
    pub fn breakpoint(&self) -> Breakpoint {
        Breakpoint::of(self.size.0, self.size.1)
    }

    /// The name of the theme in use.
    #[must_use]
    pub fn theme_name(&self) -> &str {
        self.themes.get(self.theme).map_or("", String::as_str)
    }

    /// There are other themes now; the one in use stays if it is among them.
    pub fn set_themes(&mut self, names: Vec<String>) {
        let find = |name: &str| names.iter().position(|other| other == name);
        let before = |at: usize| self.themes.get(at).and_then(|name| find(name)).unwrap_or(0);
        let theme = before(self.theme);
        let picked: Vec<usize> = self
            .overlays
            .iter()
            .map(|overlay| match overlay {
                Overlay::Themes { before: at } => before(*at),
                _ => 0,
            })
            .collect();
        for (overlay, at) in self.overlays.iter_mut().zip(picked) {
            if let Overlay::Themes { before } = overlay {
                *before = at;
            }
        }
        self.theme = theme;
        self.themes = names;
    }

    /// The filter of the list on screen; empty elsewhere.
    #[must_use]
    pub fn filter(&self) -> &str {
        if let Some(Entry { target: Target::Filter { .. }, input, .. }) = &self.entry {
            return input.value();
        }
        self.stored_filter(self.screen)
    }

    fn stored_filter(&self, screen: Screen) -> &str {
        match screen {
            Screen::Provisioned => &self.provisioned.list.filter,
            Screen::Batch => &self.batch.list.filter,
            Screen::Requests => &self.requests.filter,
            Screen::Account => &self.usage.list.filter,
            Screen::Log => &self.log.filter,
            Screen::Settings => &self.settings.list.filter,
            Screen::Dashboard | Screen::Tuning => "",
        }
    }

    /// How many rows the focused panel of the dashboard has to select from.
    #[must_use]
    pub fn dashboard_rows(&self) -> usize {
        match self.expanded.unwrap_or(self.focus) {
            Panel::Quota if self.watching() => self.watched().len(),
            Panel::Quota => self.shown().scopes.len(),
            Panel::Regions => self.shown().regions.len(),
            _ => 0,
        }
    }

    /// The scope of the dashboard's selected row.
    #[must_use]
    pub fn dashboard_scope(&self) -> Option<&ScopeKey> {
        let snapshot = self.shown();
        match self.expanded.unwrap_or(self.focus) {
            Panel::Quota => snapshot.scopes.get(self.row).map(|scope| &scope.key),
            Panel::Regions => {
                let region = &snapshot.regions.get(self.row)?.region;
                snapshot.scopes.iter().map(|scope| &scope.key).find(|key| key.region == *region)
            }
            _ => None,
        }
    }

    /// The finished records on display, newest first.
    #[must_use]
    pub fn visible_requests(&self) -> Vec<&RequestView> {
        let filter = Filter::new(self.filter_of(Screen::Requests), filter::REQUEST);
        let all = self.shown().recent.iter();
        let wanted = all.filter(|request| !self.failed_only || request.failure.is_some());
        let mut rows: Vec<&RequestView> = wanted.filter(|request| filter.keeps(request)).collect();
        self.requests_sort.sort(&mut rows);
        rows
    }

    /// One line about the filter of the list on screen: which fields it may name, or, as an error, what is wrong.
    ///
    /// # Errors
    /// The line, if something is wrong.
    pub fn filter_remark(&self) -> Result<String, String> {
        let control = self.control.as_deref();
        match self.screen {
            Screen::Provisioned => {
                let first = control.and_then(|control| control.provisioned.first());
                Filter::new(self.filter(), super::provisioned::FIELDS).remark(first)
            }
            Screen::Batch => Filter::new(self.filter(), super::batch::FIELDS)
                .remark(control.and_then(|control| control.jobs.first())),
            Screen::Account => Filter::new(self.filter(), super::usage::FIELDS)
                .remark(control.and_then(|control| control.limits.first())),
            Screen::Settings => {
                Filter::new(self.filter(), super::settings::FIELDS).remark(super::settings::rows(self).first())
            }
            Screen::Requests => Filter::new(self.filter(), filter::REQUEST).remark(self.shown().recent.first()),
            _ => Filter::new(self.filter(), filter::LINE).remark(self.shown().journal.first()),
        }
    }

    /// The lines of the journal and the changes to the account on display, newest first.
    #[must_use]
    pub fn visible_lines(&self) -> Vec<&JournalLine> {
        let filter = Filter::new(self.filter_of(Screen::Log), filter::LINE);
        let warned = self.warned.lines(self.shown_utc_ms());
        let all = self.shown().journal.iter().chain(&self.changes).chain(warned);
        let kept = all.filter(|line| line.level >= self.level && filter.keeps(line));
        let mut lines: Vec<&JournalLine> = kept.collect();
        lines.sort_by_key(|line| std::cmp::Reverse(line.utc_ms));
        lines
    }

    pub(super) fn filter_of(&self, screen: Screen) -> &str {
        if screen == self.screen { self.filter() } else { self.stored_filter(screen) }
    }

    /// The selected record of the requests screen.
    #[must_use]
    pub fn selected_request(&self) -> Option<&RequestView> {
        let rows = self.visible_requests();
        let at = self.requests.position(&rows, lists::request_key);
        rows.get(at).copied()
    }

    /// The arrival rate now, changes on their way to the engine included.
    #[must_use]
    pub fn rate_now(&self) -> Option<f64> {
        let on_its_way = self.tuning.pending(&TuningRow::Knob(KnobId::ArrivalRate));
        on_its_way.or_else(|| confirm::rate(&self.live))
    }

    /// Whether attempts are in flight or may still be sent.
    #[must_use]
    pub fn at_work(&self) -> bool {
        match &self.live.state {
            LoadState::Running | LoadState::Pausing { .. } | LoadState::Draining { .. } => true,
            LoadState::Idle | LoadState::Paused | LoadState::Parked { .. } | LoadState::Finished => {
                self.live.flow.in_flight > 0
            }
        }
    }

    /// Says something to the operator.
    pub fn say(&mut self, text: impl Into<String>) {
        self.toast = Some(Toast { text: text.into(), bad: false, at: self.now });
    }

    /// Says that something is wrong.
    pub fn complain(&mut self, text: impl Into<String>) {
        self.toast = Some(Toast { text: text.into(), bad: true, at: self.now });
    }
}
