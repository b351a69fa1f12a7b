//! The table itself: one row an action.

use serde::{Deserialize, Serialize};

use crate::console::app::Screen;

use super::chord::{Chord, Key};
use super::when::{self, When};

/// Where the keyboard is: a screen, a detail, or something on top that takes the keys first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// Screen 1.
    Dashboard,
    /// Screen 2.
    Tuning,
    /// Screen 3.
    Provisioned,
    /// Screen 4.
    Batch,
    /// Screen 5.
    Requests,
    /// Screen 6.
    Account,
    /// Screen 7.
    Log,
    /// Screen 8.
    Settings,
    /// The detail of one provisioned model.
    ProvisionedModel,
    /// The detail of one batch job.
    Job,
    /// The detail of one route of the account.
    AccountRoute,
    /// What an account needs before its first batch job.
    Recipe,
    /// Every request for a higher quota.
    Increases,
    /// What the workload at hand costs bought in each way.
    Ways,
    /// The detail of one scope.
    Scope,
    /// The detail of one finished record.
    Request,
    /// The help screen.
    Help,
    /// The list of named warnings.
    Warnings,
    /// A form.
    Form,
    /// The consent dialog.
    Dialog,
    /// The theme picker.
    Themes,
    /// A one-line field: a filter or a value.
    Entry,
    /// The palette.
    Palette,
}

impl Place {
    /// All places.
    pub const ALL: [Place; 23] = [
        Place::Dashboard,
        Place::Tuning,
        Place::Provisioned,
        Place::Batch,
        Place::Requests,
        Place::Account,
        Place::Log,
        Place::Settings,
        Place::ProvisionedModel,
        Place::Job,
        Place::AccountRoute,
        Place::Recipe,
        Place::Increases,
        Place::Ways,
        Place::Scope,
        Place::Request,
        Place::Help,
        Place::Warnings,
        Place::Form,
        Place::Dialog,
        Place::Themes,
        Place::Entry,
        Place::Palette,
    ];

    /// Whether it is a screen or a detail: no field and no question has the keys.
    #[must_use]
    pub fn is_view(self) -> bool {
        VIEWS.contains(&self)
    }

    /// The screen that it is, if it is one.
    #[must_use]
    pub const fn screen(self) -> Option<Screen> {
        Some(match self {
            Place::Dashboard => Screen::Dashboard,
            Place::Tuning => Screen::Tuning,
            Place::Provisioned => Screen::Provisioned,
            Place::Batch => Screen::Batch,
            Place::Requests => Screen::Requests,
            Place::Account => Screen::Account,
            Place::Log => Screen::Log,
            _ => return None,
        })
    }

    /// Its name in a sentence.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Place::Dashboard => "the dashboard (1)",
            Place::Tuning => "the tuning screen (2)",
            Place::Provisioned => "the screen of provisioned throughput (3)",
            Place::Batch => "the batch screen (4)",
            Place::ProvisionedModel => "a provisioned model's detail",
            Place::Job => "a job's detail",
            Place::Recipe => "the recipe for a role",
            Place::Increases => "the requests for quota",
            Place::Ways => "the ways to buy",
            Place::Requests => "the requests screen (5)",
            Place::Account => "the account screen (6)",
            Place::AccountRoute => "a route of the account",
            Place::Log => "the log (7)",
            Place::Settings => "the settings (8)",
            Place::Scope => "a scope's detail",
            Place::Request => "a record's detail",
            Place::Help => "the help screen (?)",
            Place::Warnings => "the list of warnings (w)",
            Place::Form => "a form (L, n)",
            Place::Dialog => "a question",
            Place::Themes => "the theme picker (t)",
            Place::Entry => "a field",
            Place::Palette => "the palette (:)",
        }
    }
}

/// What an action may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Risk {
    /// Moves the display only.
    None,
    /// Changes our own load.
    Load,
    /// May spend money or take capacity from others: asks first on `aws`, refused when read-only.
    Spends,
}

/// Everything that a key can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Action {
    /// Show screen 1.
    Dashboard,
    /// Show screen 2.
    Tuning,
    /// Show screen 3.
    Provisioned,
    /// Show screen 4.
    Batch,
    /// Show screen 5.
    Requests,
    /// Show screen 6.
    Account,
    /// Show screen 7.
    Log,
    /// Show screen 8.
    Settings,
    /// Open or close help.
    Help,
    /// Open the palette.
    Palette,
    /// Leave, draining first.
    Quit,
    /// As quit, by Ctrl-C.
    Interrupt,
    /// Stop the process and give the shell back.
    Suspend,
    /// Draw everything again.
    Redraw,
    /// Pause or resume admission.
    Pause,
    /// End the load.
    Stop,
    /// Hold the display still.
    Freeze,
    /// Mask account, caller, profile and buckets, or show them again.
    Privacy,
    /// More arrivals.
    RateUp,
    /// Fewer arrivals.
    RateDown,
    /// Open the load form.
    LoadForm,
    /// Take the last tuning change back.
    Undo,
    /// Try parked scopes again.
    Unpark,
    /// One panel over the whole screen.
    Expand,
    /// The account's dashboard after a load, or the load's again.
    WatchAccount,
    /// Less time in the charts.
    ZoomIn,
    /// More time in the charts.
    ZoomOut,
    /// An earlier moment of the charts.
    Earlier,
    /// A later moment of the charts.
    Later,
    /// The oldest moment of the charts.
    Oldest,
    /// The charts follow the present again.
    Newest,
    /// Open the theme picker.
    Themes,
    /// Write the incident report.
    Incident,
    /// One row up.
    Up,
    /// One row down.
    Down,
    /// One page up.
    PageUp,
    /// One page down.
    PageDown,
    /// First row.
    First,
    /// Last row.
    Last,
    /// Detail of the selected row.
    Open,
    /// Back, or close what is on top.
    Back,
    /// Next panel or field.
    Next,
    /// Previous panel or field.
    Previous,
    /// Smaller, or the previous choice.
    Decrease,
    /// Larger, or the next choice.
    Increase,
    /// Type a value.
    Edit,
    /// Back to the value at the start.
    Default,
    /// Filter the rows.
    Filter,
    /// Failed records only.
    FailedOnly,
    /// Least level that is shown.
    Level,
    /// Take what is typed or chosen.
    Submit,
    /// Draw the screen into a file.
    Picture,
    /// Copy the id of the selected row.
    Copy,
    /// Hold a replay, or let it go on.
    PlayPause,
    /// One snapshot of a replay.
    PlayStep,
    /// Half the speed of a replay.
    PlaySlower,
    /// Twice the speed of a replay.
    PlayFaster,
    /// Another order of the rows.
    Sort,
    /// Ask the account now.
    Refresh,
    /// Buy provisioned throughput, or submit a batch job.
    New,
    /// Provisioned throughput like the selected one, with other units.
    Resize,
    /// Rename provisioned throughput, or change its model.
    Change,
    /// Delete provisioned throughput.
    Delete,
    /// Send the load to the selected provisioned model.
    UseForLoad,
    /// Send the load on demand again.
    OnDemand,
    /// Go on with a batch input that was looked through.
    GoOn,
    /// Fetch the results of a job.
    Fetch,
    /// Stop a job.
    StopJob,
    /// Submit again what of a job can be retried.
    Resubmit,
    /// Delete the files of a job in S3.
    DeleteCopies,
    /// Show how a role and a bucket are made.
    Recipe,
    /// Read the last 24 hours of a route.
    ReadDay,
    /// Tell the limiter a quota that has changed.
    TakeOffer,
    /// Ask AWS for more of a quota.
    RequestQuota,
    /// Open or close the list of named warnings.
    Warnings,
    /// Mute a warning, or let it be heard again.
    Mute,
    /// Show every request for a higher quota.
    Increases,
    /// Show what the workload costs bought in each way.
    Ways,
    /// Publish our metrics in CloudWatch, or publish them no more.
    Publish,
}

/// A row of the table.
pub struct ActionSpec {
    /// Which action.
    pub action: Action,
    /// Its name in the configuration and in the palette.
    pub name: &'static str,
    /// The keys that start it unless the operator gave it others.
    pub keys: &'static [Chord],
    /// Two or three words: the hint bar.
    pub title: &'static str,
    /// One sentence: the help screen.
    pub help: &'static str,
    /// What it may cost.
    pub risk: Risk,
    /// Where it can be used.
    pub places: &'static [Place],
    /// Its rank in the hint bar, 1 first; 0: not there.
    pub hint: u8,
    /// Whether it can run now, or why not.
    pub when: When,
}

const fn c(c: char) -> Chord {
    Chord::char(c)
}
const fn k(key: Key) -> Chord {
    Chord::plain(key)
}

/// Screens and details: everywhere where no field or question has the keys.
const VIEWS: &[Place] = &[
    Place::Dashboard,
    Place::Tuning,
    Place::Provisioned,
    Place::Batch,
    Place::Requests,
    Place::Account,
    Place::Log,
    Place::Settings,
    Place::ProvisionedModel,
    Place::Job,
    Place::AccountRoute,
    Place::Recipe,
    Place::Increases,
    Place::Ways,
    Place::Scope,
    Place::Request,
    Place::Help,
    Place::Warnings,
];
/// The screens and details on which the load is steered.
const STEER: &[Place] = &[
    Place::Dashboard,
    Place::Tuning,
    Place::Provisioned,
    Place::Batch,
    Place::Requests,
    Place::Account,
    Place::Log,
    Place::Settings,
    Place::ProvisionedModel,
    Place::Job,
    Place::AccountRoute,
    Place::Recipe,
    Place::Increases,
    Place::Ways,
    Place::Scope,
    Place::Request,
];
const EVERYWHERE: &[Place] = &Place::ALL;
const ROWS: &[Place] = &[
    Place::Dashboard,
    Place::Tuning,
    Place::Provisioned,
    Place::Batch,
    Place::Requests,
    Place::Account,
    Place::Log,
    Place::Settings,
    Place::ProvisionedModel,
    Place::Job,
    Place::AccountRoute,
    Place::Recipe,
    Place::Increases,
    Place::Ways,
    Place::Scope,
    Place::Request,
    Place::Help,
    Place::Warnings,
    Place::Themes,
    Place::Form,
    Place::Palette,
];
const PAGES: &[Place] = &[
    Place::Tuning,
    Place::Provisioned,
    Place::Batch,
    Place::Requests,
    Place::Account,
    Place::Log,
    Place::Settings,
    Place::ProvisionedModel,
    Place::Job,
    Place::AccountRoute,
    Place::Recipe,
    Place::Increases,
    Place::Ways,
    Place::Scope,
    Place::Request,
    Place::Help,
    Place::Warnings,
];
const OPENERS: &[Place] = &[
    Place::Dashboard,
    Place::Provisioned,
    Place::Batch,
    Place::Requests,
    Place::Account,
    Place::Settings,
    Place::Warnings,
];
const WARNINGS: &[Place] = &[Place::Warnings];
const DASHBOARD: &[Place] = &[Place::Dashboard];
const REQUESTS: &[Place] = &[Place::Requests];
const LOG: &[Place] = &[Place::Log];
const LISTS: &[Place] =
    &[Place::Provisioned, Place::Batch, Place::Requests, Place::Account, Place::Log, Place::Settings];
const ORDERS: &[Place] = &[Place::Provisioned, Place::Batch];
const SORTED: &[Place] = &[Place::Provisioned, Place::Batch, Place::Requests, Place::Account];
const ACCOUNT: &[Place] = &[
    Place::Provisioned,
    Place::Batch,
    Place::Account,
    Place::ProvisionedModel,
    Place::Job,
    Place::AccountRoute,
    Place::Increases,
    Place::Dashboard,
];
const USE: &[Place] = &[Place::Account, Place::AccountRoute];
const OFFERS: &[Place] = &[Place::Account, Place::AccountRoute, Place::Increases];
/// Where there is a workload to be paid for: every screen and detail but its own.
const WORKLOAD: &[Place] = &[
    Place::Dashboard,
    Place::Tuning,
    Place::Provisioned,
    Place::Batch,
    Place::Requests,
    Place::Account,
    Place::Log,
    Place::Settings,
    Place::ProvisionedModel,
    Place::Job,
    Place::AccountRoute,
    Place::Recipe,
    Place::Increases,
    Place::Scope,
    Place::Request,
];
const PUBLISHES: &[Place] = &[Place::Dashboard, Place::Account, Place::AccountRoute, Place::Settings];
const PROVISIONED: &[Place] = &[Place::Provisioned, Place::ProvisionedModel];
const JOBS: &[Place] = &[Place::Batch, Place::Job];
const BATCH: &[Place] = &[Place::Batch];
const VALUES: &[Place] = &[Place::Tuning];
const FIELDS: &[Place] = &[Place::Form, Place::Dialog, Place::Dashboard, Place::Palette];
const CHOICES: &[Place] = &[Place::Tuning, Place::Form, Place::Dialog];
const SUBMITS: &[Place] = &[Place::Form, Place::Dialog, Place::Themes, Place::Entry, Place::Palette];

macro_rules! row {
    ($action:ident $name:literal [$($key:expr),*] $title:literal $risk:ident $places:ident $hint:literal $when:path, $help:literal) => {
        ActionSpec {
            action: Action::$action,
            name: $name,
            keys: &[$($key),*],
            title: $title,
            help: $help,
            risk: Risk::$risk,
            places: $places,
            hint: $hint,
            when: $when,
        }
    };
}

/// The table, in the order in which help lists it.
pub const ACTIONS: &[ActionSpec] = &[
    row!(Dashboard "screen.dashboard" [c('1')] "Dashboard" None VIEWS 0 when::always, "Show the dashboard."),
    row!(Tuning "screen.tuning" [c('2')] "Tuning" None VIEWS 0 when::always, "Show every knob, with its effect beside it."),
    row!(Provisioned "screen.provisioned" [c('3')] "Provisioned" None VIEWS 0 when::always, "Show provisioned throughput of all Regions."),
    row!(Batch "screen.batch" [c('4')] "Batch" None VIEWS 0 when::always, "Show batch jobs of all Regions."),
    row!(Requests "screen.requests" [c('5')] "Requests" None VIEWS 0 when::always, "Show finished and failed records."),
    row!(Account "screen.account" [c('6')] "Account" None VIEWS 0 when::always, "Show quotas, the account's use of them, and what others use."),
    row!(Log "screen.log" [c('7')] "Log" None VIEWS 0 when::always, "Show the journal of the run and the changes to the account."),
    row!(Settings "screen.settings" [c('8')] "Settings" None VIEWS 0 when::always, "Show every value in force, and who said it: flag, file, environment, default."),
    row!(Help "help" [c('?')] "help" None VIEWS 4 when::always, "Show the keys and what the terms mean."),
    row!(Palette "palette" [c(':'), Chord::ctrl('p')] "palette" None VIEWS 4 when::always, "Find anything by a few of its letters: actions, screens, scopes, knobs, themes."),
    row!(Pause "load.pause" [c('p')] "pause" Load STEER 6 when::pausable, "Stop admitting, or admit again; what is in flight goes on."),
    row!(Stop "load.stop" [c('S')] "stop load" Load STEER 0 when::stoppable, "End the load: stop admitting and let what is in flight finish."),
    row!(LoadForm "load.form" [c('L')] "load" Spends STEER 7 when::loadable, "Describe a synthetic load and start it."),
    row!(RateUp "load.faster" [c('+'), c('=')] "faster" Spends STEER 8 when::rated, "Raise the arrival rate by a quarter."),
    row!(RateDown "load.slower" [c('-')] "slower" Load STEER 9 when::rated, "Lower the arrival rate by a fifth."),
    row!(Unpark "load.retry" [c('r')] "try parked again" Load STEER 3 when::parked, "Try parked scopes again now instead of at the next check."),
    row!(Undo "tune.undo" [c('u')] "undo" Load STEER 9 when::undoable, "Take the last tuning change back."),
    row!(Decrease "tune.less" [k(Key::Left), c('h')] "less" Load CHOICES 1 when::adjustable, "One step down, or the previous choice."),
    row!(Increase "tune.more" [k(Key::Right), c('l')] "more" Spends CHOICES 1 when::adjustable, "One step up, or the next choice."),
    row!(Edit "tune.type" [k(Key::Enter)] "type a value" Spends VALUES 2 when::editable, "Type the selected knob's value."),
    row!(Default "tune.default" [c('d')] "default" Spends VALUES 2 when::resettable, "Set the selected knob back to its value at the start."),
    row!(New "account.new" [c('n')] "new" Spends ORDERS 1 when::orderable, "Buy provisioned throughput (3), or check and submit a batch job (4)."),
    row!(GoOn "batch.submit" [c('c')] "submit what was checked" Spends BATCH 1 when::checked, "Ask again about the batch input that was looked through."),
    row!(Resize "provisioned.resize" [c('c')] "other units" Spends PROVISIONED 3 when::resizable, "Buy the same with other units beside it: units of what there is cannot be changed."),
    row!(Change "provisioned.change" [c('m')] "rename" Spends PROVISIONED 5 when::changeable, "Rename it; put another custom model behind it."),
    row!(Delete "provisioned.delete" [c('D')] "delete" Spends PROVISIONED 2 when::deletable, "Delete provisioned throughput: its name has to be typed."),
    row!(UseForLoad "provisioned.use" [c('U')] "use for load" Load PROVISIONED 3 when::usable, "Send the load to it; when it is full the load waits, unless the knob spill (2) is on."),
    row!(OnDemand "provisioned.on-demand" [c('O')] "on demand" Spends PROVISIONED 3 when::on_bought, "Send the load on demand again."),
    row!(StopJob "batch.stop" [c('X')] "stop job" Spends JOBS 2 when::job_stoppable, "Stop a batch job; what is done is kept and billed."),
    row!(Fetch "batch.fetch" [c('d')] "fetch" Spends JOBS 2 when::fetchable, "Fetch the results and join them with the input: ok, failed, missing."),
    row!(Resubmit "batch.resubmit" [c('R')] "resubmit" Spends JOBS 2 when::resubmittable, "Submit what can be retried and what is missing as a new job."),
    row!(DeleteCopies "batch.delete-copies" [c('D')] "delete in S3" Spends JOBS 3 when::copies_deletable, "Delete input and output of a job in S3: its name has to be typed."),
    row!(Recipe "batch.recipe" [c('P')] "role recipe" None BATCH 9 when::managed, "Show the commands that make a bucket and a role for batch jobs."),
    row!(TakeOffer "account.take-quota" [c('T')] "take quota" Spends OFFERS 2 when::offered, "Give the limiter a quota that has changed since the session began."),
    row!(RequestQuota "account.request" [c('N')] "ask for quota" Spends USE 3 when::raisable, "Ask AWS for more of a quota of the route; asking costs nothing."),
    row!(Publish "account.publish" [c('P')] "publish" Spends PUBLISHES 15 when::publishable, "Put our own metrics into CloudWatch once a minute, after a question, or put them no more."),
    row!(ReadDay "account.day" [c('H')] "24 hours" None USE 4 when::dayable, "Read the last 24 hours of the route from CloudWatch."),
    row!(Increases "account.requests" [c('A')] "all requests" None USE 6 when::managed, "Show every request for a higher quota: status, when, support case."),
    row!(Ways "account.ways" [c('$')] "ways to buy" None WORKLOAD 14 when::always, "Compare on demand, flex, priority, batch and provisioned for the workload at hand."),
    row!(Sort "account.sort" [c('o')] "sort" None SORTED 7 when::always, "Sort the list by something else."),
    row!(Refresh "account.refresh" [Chord::ctrl('r')] "ask now" None ACCOUNT 8 when::askable, "Ask all Regions now instead of when it is due."),
    row!(PlayPause "replay.pause" [c(' ')] "hold" None STEER 1 when::plays, "In a replay: hold it, or let it go on."),
    row!(PlayStep "replay.step" [c('.')] "step" None STEER 2 when::plays, "In a replay: hold it, and go on by one snapshot."),
    row!(PlaySlower "replay.slower" [c('<')] "slower" None STEER 6 when::plays, "In a replay: half the speed, down to a quarter of real time."),
    row!(PlayFaster "replay.faster" [c('>')] "faster" None STEER 6 when::plays, "In a replay: twice the speed, up to 16 times real time, then straight to the end."),
    row!(Freeze "view.freeze" [c('f')] "freeze" None STEER 10 when::always, "Hold the display still; the load goes on."),
    row!(Privacy "view.privacy" [c('*')] "privacy" None VIEWS 0 when::always, "Mask account, caller, profile, labels and buckets in everything drawn, or show them again."),
    row!(WatchAccount "view.account" [c('a')] "account" None DASHBOARD 10 when::watchable, "After a load: show the account without it, or the load again."),
    row!(Expand "view.expand" [c('e')] "expand" None DASHBOARD 11 when::always, "Show the focused panel alone, or all panels again."),
    row!(Earlier "chart.earlier" [k(Key::Left), c('(')] "earlier" None DASHBOARD 12 when::charted, "Look at an earlier moment of the last hour; the charts are held there."),
    row!(Later "chart.later" [k(Key::Right), c(')')] "later" None DASHBOARD 0 when::charted, "Look at a later moment; past the newest one the charts follow the present again."),
    row!(Oldest "chart.oldest" [k(Key::Home), c('g')] "oldest" None DASHBOARD 0 when::charted, "Look at the oldest moment of the hour."),
    row!(Newest "chart.now" [k(Key::End), c('G')] "now" None DASHBOARD 0 when::charted, "Let the charts follow the present again."),
    row!(ZoomIn "chart.closer" [c('z'), c(']')] "closer" None DASHBOARD 12 when::charted, "Show less time in the charts, down to 1 minute."),
    row!(ZoomOut "chart.wider" [c('Z'), c('[')] "wider" None DASHBOARD 0 when::charted, "Show more time in the charts: 1, 2, 5, 15, 30, 60 minutes."),
    row!(Warnings "view.warnings" [c('w')] "warnings" None VIEWS 15 when::always, "List the named warnings: since when, what is the matter, what to do; Enter goes there."),
    row!(Mute "view.mute" [c('m')] "mute" None WARNINGS 2 when::warned, "Mute warnings of the selected name for this session, or let them be heard again."),
    row!(Filter "view.filter" [c('/')] "filter" None LISTS 1 when::always, "Keep only rows that have every word typed, or by field: status:failed ms>2000."),
    row!(FailedOnly "requests.failed" [c('x')] "failed only" None REQUESTS 2 when::always, "Show failed records only, or all again."),
    row!(Level "log.level" [c('v')] "level" None LOG 2 when::always, "Show all lines, warnings and errors, or errors only."),
    row!(Incident "incident.export" [c('i')] "incident" None STEER 12 when::always, "Write what happened as Markdown: verdict, UTC minutes, throttles, request ids."),
    row!(Picture "view.picture" [Chord::ctrl('s')] "picture" None VIEWS 0 when::always, "Draw the screen as it is into a file (SVG) beside the incidents."),
    row!(Copy "view.copy" [c('y')] "copy id" None STEER 14 when::copyable, "Copy the selected row's request id, ARN or model id to the terminal's clipboard (OSC 52)."),
    row!(Themes "view.theme" [c('t')] "theme" None STEER 13 when::always, "Choose a theme, previewed live."),
    row!(Up "move.up" [k(Key::Up), c('k')] "up" None ROWS 0 when::always, "One row up."),
    row!(Down "move.down" [k(Key::Down), c('j')] "down" None ROWS 0 when::always, "One row down."),
    row!(PageUp "move.page-up" [k(Key::PageUp), Chord::ctrl('b')] "page up" None PAGES 0 when::always, "One page up."),
    row!(PageDown "move.page-down" [k(Key::PageDown), Chord::ctrl('f')] "page down" None PAGES 0 when::always, "One page down."),
    row!(First "move.first" [k(Key::Home), c('g')] "first" None PAGES 0 when::always, "The first row."),
    row!(Last "move.last" [k(Key::End), c('G')] "last" None PAGES 0 when::always, "The last row."),
    row!(Next "move.next" [k(Key::Tab)] "next" None FIELDS 2 when::always, "The next panel, field or button."),
    row!(Previous "move.previous" [k(Key::BackTab)] "previous" None FIELDS 0 when::always, "The panel, field or button before."),
    row!(Open "open" [k(Key::Enter)] "detail" None OPENERS 1 when::openable, "Show the detail of the selected row."),
    row!(Submit "submit" [k(Key::Enter)] "OK" Spends SUBMITS 1 when::always, "Take what is typed or chosen."),
    row!(Back "back" [k(Key::Esc)] "back" None EVERYWHERE 3 when::closable, "Back to where you came from; close what is on top."),
    row!(Redraw "view.redraw" [Chord::ctrl('l')] "redraw" None EVERYWHERE 0 when::always, "Draw the whole screen again."),
    row!(Suspend "suspend" [Chord::ctrl('z')] "suspend" Load EVERYWHERE 0 when::suspendable, "Pause the load, let what is in flight finish, then give the shell back; `fg` resumes both."),
    row!(Quit "quit" [c('q')] "quit" Load VIEWS 5 when::always, "Leave. With work in flight: stop admitting and drain, 10 s at most; again leaves at once."),
    row!(Interrupt "interrupt" [Chord::ctrl('c')] "quit" Load EVERYWHERE 0 when::always, "As q, from anywhere."),
];

impl Action {
    /// Its row of the table.
    #[must_use]
    pub fn spec(self) -> &'static ActionSpec {
        // The table has one row for each action (a test holds it to that); the first row stands in for the impossible.
        ACTIONS.iter().find(|row| row.action == self).unwrap_or(&ACTIONS[0])
    }
}
