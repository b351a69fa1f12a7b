//! From arguments and configuration to a target, clients and routes: everything a run or a console stands on.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use crate::bedrock::{Clients, Commitment, ConnectionSettings, Identity, Resolved, Served, Target};
use crate::catalogue::Catalogue;
use crate::config::{Adaptive, Config, Paths, QuotaByHand};
use crate::console::keys::Keymap;
use crate::control::{
    self, AgreedPrice, ControlHandle, Desk, DeskSetup, Discovery, PlannedRoute, Publishing, QuotaSource,
};
use crate::engine::{EngineSettings, RouteSetup, TargetInfo};
use crate::limiter::{AdaptiveKnobs, QuotaLimit};
use crate::record::{Micros, Region, Route};
use crate::sim::{DEMO_MODEL, Scenario, Simulator};
use crate::warnings;

use super::args::Global;
use super::problem::Problem;
use super::{prices, say};

/// What a run or a console stands on.
pub struct Session {
    /// For the header.
    pub info: TargetInfo,
    /// The AWS edge.
    pub clients: Arc<Clients>,
    /// The routes that exist.
    pub routes: Vec<RouteSetup>,
    /// What the account answered.
    pub discovery: Discovery,
    /// The routes as the control room planned them.
    pub planned: Vec<PlannedRoute>,
    /// Settings at the start.
    pub settings: EngineSettings,
    /// The configuration.
    pub config: Config,
    /// Things to say before anything starts: what was left out and why.
    pub notes: Vec<String>,
    /// The simulator inside, if the target is one; it ends with the session.
    pub simulator: Option<Simulator>,
}

/// Reads the configuration file that applies.
///
/// # Errors
/// Everything that is wrong with it.
pub fn configuration(global: &Global) -> Result<Config, Problem> {
    let path = config_path(global);
    if let Some(named) = &global.config
        && !named.exists()
    {
        return Err(Problem::usage(format!("{}: no such file", named.display())));
    }
    let config = match path {
        Some(path) => Config::load(&path, |keys| Keymap::new(keys).err().unwrap_or_default())?,
        None => Config::default(),
    };
    prices::embed(&config)?;
    if let Some(theme) = &global.theme {
        known_theme("--theme", theme)?;
    }
    Ok(config)
}

/// Refuses a theme that there is not, by the name of who asks for it.
///
/// # Errors
/// There is none of that name.
pub fn known_theme(asked: &str, theme: &str) -> Result<(), Problem> {
    let own = Paths::find().map(|paths| paths.themes());
    let unknown = crate::console::unknown_theme(theme, own.as_deref());
    unknown.map_or(Ok(()), |why| Err(Problem::usage(format!("{asked}: {why}"))))
}

/// The console's keys by the configuration, which were judged when it was read.
#[must_use]
pub fn keymap(config: &Config) -> Keymap {
    Keymap::new(config.keys.as_map()).unwrap_or_default()
}

/// The warnings that the configuration mutes; it was judged when it was read.
#[must_use]
pub fn muted(config: &Config) -> Vec<warnings::Name> {
    config.warnings.mute.iter().filter_map(|word| warnings::Name::find(word)).collect()
}

/// Where the configuration file is looked for.
#[must_use]
pub fn config_path(global: &Global) -> Option<PathBuf> {
    global.config.clone().or_else(|| Paths::find().map(|paths| paths.config_file()))
}

/// Whether a target was named, by flag or file; without one the simulator is meant.
#[must_use]
pub fn named_target(global: &Global, config: &Config) -> Option<String> {
    global.target.clone().or_else(|| config.target.clone())
}

/// Opens a session.
///
/// # Errors
/// An unusable target, Region, model or scenario; each with what to do.
pub async fn open(global: &Global, config: Config, scenario: Option<&Path>) -> Result<Session, Problem> {
    // A thousand quota names take 20 ms to read: while the connections come up, not after.
    std::thread::spawn(|| Catalogue::embedded().quotas().len());
    let name = named_target(global, &config).unwrap_or_else(|| "sim".to_string());
    let profile = global.profile.clone().or_else(|| config.profile.clone());
    let resolved =
        Target::resolve(&name, profile.as_deref()).await.map_err(|error| Problem::usage(error.to_string()))?;
    let another =
        || Problem::usage("--scenario is for the simulator inside (`--target sim`); a running simulator has its own");
    let (target, simulator, served) = match resolved {
        Resolved::StartSimulator => {
            let scenario = match scenario {
                Some(path) => crate::config::load_scenario(path)?,
                None => Scenario::demo(),
            };
            let simulator = Simulator::start(scenario.clone(), SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
                .map_err(|error| Problem::usage(format!("the simulator cannot start: {error}")))?;
            let served = served(&scenario);
            (Target::Simulator { url: simulator.url().clone() }, Some(simulator), served)
        }
        _ if scenario.is_some() => return Err(another()),
        Resolved::Simulator { url, served } => (Target::Simulator { url }, None, served),
        Resolved::Target(target) => (target, None, Served::default()),
    };
    let simulated = target.simulated();
    let (regions, models) = places(global, &config, simulated, &served);
    let connection = connection(&config);
    let clients =
        Clients::connect(&target, &regions, connection).await.map_err(|error| Problem::usage(error.to_string()))?;
    let clients = Arc::new(clients);
    if !simulated {
        // Somebody else's network: say what is being waited for.
        say::notice(format_args!("target {name}: asking for identity, models and quotas\n"));
    }
    let Found { facts, planned, routes, notes: mut told } = find(&clients, &config, &models, &regions).await?;
    let mut info = TargetInfo {
        simulated,
        name,
        profile: target.profile(),
        regions,
        read_only: global.read_only || config.read_only,
        ..TargetInfo::default()
    };
    match &facts.identity {
        Ok(identity) => known_account(&mut info, identity, &config),
        Err(failure) => told.push(format!("sts:GetCallerIdentity: {failure}")),
    }
    info.credentials_until_ms = facts.credentials_until.and_then(|until| {
        let since = until.duration_since(UNIX_EPOCH).ok()?;
        i64::try_from(since.as_millis()).ok()
    });
    Ok(Session {
        settings: settings(&config, simulated),
        info,
        clients,
        routes,
        discovery: facts,
        planned,
        config,
        notes: told,
        simulator,
    })
}

/// What the account answered, and the routes that follow from it.
pub struct Found {
    /// The answers.
    pub facts: Discovery,
    /// The routes as the control room planned them.
    pub planned: Vec<PlannedRoute>,
    /// The same with their quotas.
    pub routes: Vec<RouteSetup>,
    /// What was left out and why.
    pub notes: Vec<String>,
}

/// Asks for identity, models and quotas, and expands `models` x `regions`.
///
/// # Errors
/// None of the routes exists.
pub async fn find(clients: &Clients, config: &Config, models: &[String], regions: &[Region]) -> Result<Found, Problem> {
    let facts = control::discover(clients).await;
    let mut expansion = control::expand_routes(models, regions, &facts.regions);
    let told = control::resolve_provisioned(clients, &mut expansion, &agreed_prices(config)).await;
    let mut notes: Vec<String> = expansion.refusals.iter().map(ToString::to_string).collect();
    if expansion.routes.is_empty() && !models.is_empty() {
        return Err(Problem::usage(notes.join("\n")));
    }
    let routes = expansion.routes.iter().map(|planned| {
        let quota = control::quota_of(planned, facts.regions.get(&planned.key.region), clients.simulated());
        if let Some(bought) = &planned.provisioned {
            return RouteSetup::bought(bought.clone());
        }
        let mut setup = RouteSetup {
            quota: quota.scope_quota(),
            quota_source: quota.source(),
            route: planned.route.clone(),
            key: planned.key.clone(),
            model: planned.model,
            provisioned: None,
        };
        let told = |source: &QuotaSource| matches!(source, QuotaSource::ServiceQuotas { .. });
        by_hand(&mut setup, &config.quota, told(&quota.rpm.1), told(&quota.tpm.1));
        setup
    });
    let routes = routes.collect();
    notes.extend(told);
    Ok(Found { planned: expansion.routes, routes, facts, notes })
}

/// A target that outlives the command, and clients for it. Nothing has been asked yet.
pub struct Link {
    /// For the header; the account is not known yet.
    pub info: TargetInfo,
    /// The AWS edge.
    pub clients: Arc<Clients>,
    /// The models of flags and file.
    pub models: Vec<String>,
    /// The configuration.
    pub config: Config,
}

/// What a command about the account stands on: a target that outlives the command.
pub struct Remote {
    /// For the header.
    pub info: TargetInfo,
    /// The AWS edge.
    pub clients: Arc<Clients>,
    /// The models of flags and file.
    pub models: Vec<String>,
    /// Does orders.
    pub desk: Arc<Desk>,
    /// The configuration.
    pub config: Config,
}

/// Connects `command` to its account; `more` are Regions beside those of flags and file.
///
/// # Errors
/// No target or one that dies with the command, no Region; each with what to do.
pub async fn link(global: &Global, config: Config, command: &str, more: &[Region]) -> Result<Link, Problem> {
    let name = named_target(global, &config).unwrap_or_else(|| "sim".to_string());
    let profile = global.profile.clone().or_else(|| config.profile.clone());
    let resolved =
        Target::resolve(&name, profile.as_deref()).await.map_err(|error| Problem::usage(error.to_string()))?;
    let (target, served) = match resolved {
        Resolved::Target(target) => (target, Served::default()),
        Resolved::Simulator { url, served } => (Target::Simulator { url }, served),
        Resolved::StartSimulator => {
            return Err(Problem::usage(format!(
                "`{command}` needs an account that outlives it: `--target aws`, or a simulator that runs beside it \
                 (`bedrock-top sim --listen 127.0.0.1:4566`, then `--target http://127.0.0.1:4566`)"
            )));
        }
    };
    let simulated = target.simulated();
    let (mut regions, models) = places(global, &config, simulated, &served);
    for region in more {
        if !regions.contains(region) {
            regions.push(region.clone());
        }
    }
    let clients = Clients::connect(&target, &regions, connection(&config)).await;
    let clients = Arc::new(clients.map_err(|error| Problem::usage(error.to_string()))?);
    let info = TargetInfo {
        simulated,
        name,
        profile: target.profile(),
        regions,
        read_only: global.read_only || config.read_only,
        ..TargetInfo::default()
    };
    Ok(Link { info, clients, models, config })
}

/// Opens the account for `command`; `more` are Regions beside those of flags and file. Says where calls go.
///
/// # Errors
/// As [`link`], and no credentials; each with what to do.
pub async fn remote(global: &Global, config: Config, command: &str, more: &[Region]) -> Result<Remote, Problem> {
    let Link { mut info, clients, models, config } = link(global, config, command, more).await?;
    // Without an identity nothing could be journalled nor found again, and every other call would fail alike.
    let identity = clients.identity().await.map_err(|failure| Problem::usage(failure.message))?;
    known_account(&mut info, &identity, &config);
    announce(&info);
    let desk = Arc::new(Desk::open(desk_setup(&info, &clients, Some(identity), &config)));
    Ok(Remote { info, clients, models, desk, config })
}

/// What is known of an account once it says who it is.
pub fn known_account(info: &mut TargetInfo, identity: &Identity, config: &Config) {
    let account = config.accounts.get(&identity.account);
    info.account_label = account.and_then(|account| account.label.clone());
    info.read_only |= account.is_some_and(|account| account.read_only);
    info.account = Some(identity.account.clone());
    info.caller = Some(identity.arn.clone());
}

/// Says where calls go.
pub fn announce(info: &TargetInfo) {
    let regions: Vec<&str> = info.regions.iter().map(|region| region.as_str()).collect();
    let kind = if info.simulated { " (simulated)" } else { "" };
    let account = info.account.as_deref().map_or(String::new(), |account| format!(", account {account}"));
    say::notice(format_args!("target {}{kind}{account}, Regions {}\n", info.name, regions.join(", ")));
}

/// The folder for journals, tokens and incidents; the working folder where there is no home.
#[must_use]
pub fn state_folder() -> PathBuf {
    Paths::find().map_or_else(|| PathBuf::from("."), |paths| paths.state)
}

/// Opens the control desk of the console on what the session found.
#[must_use]
pub fn desk(
    info: &TargetInfo,
    clients: &Arc<Clients>,
    planned: Vec<PlannedRoute>,
    discovery: Discovery,
    config: &Config,
    publishing: Arc<Publishing>,
    runtime: &tokio::runtime::Handle,
) -> ControlHandle {
    let identity = discovery.identity.as_ref().ok().cloned();
    let setup = DeskSetup { publishing: Some(publishing), ..desk_setup(info, clients, identity, config) };
    control::start(setup, planned, discovery, runtime)
}

/// What a control desk on this target stands on.
#[must_use]
pub fn desk_setup(info: &TargetInfo, clients: &Arc<Clients>, identity: Option<Identity>, config: &Config) -> DeskSetup {
    let (state, prices) = (state_folder(), agreed_prices(config));
    DeskSetup { clients: Arc::clone(clients), identity, state, read_only: info.read_only, prices, publishing: None }
}

/// The prices of model units in the configuration.
#[must_use]
pub fn agreed_prices(config: &Config) -> Vec<AgreedPrice> {
    let agreed = config.provisioned_price.iter().filter_map(|price| {
        let commitment = commitment(&price.commitment)?;
        Some(AgreedPrice { model: price.model.clone(), commitment, usd: price.usd_per_mu_hour? })
    });
    agreed.collect()
}

/// A commitment by its word on the command line; none if nothing is said.
fn commitment(word: &str) -> Option<Commitment> {
    let all = [Commitment::None, Commitment::OneMonth, Commitment::SixMonths];
    let word = if word.is_empty() { Commitment::None.word() } else { word };
    all.into_iter().find(|commitment| commitment.word() == word)
}

/// What a scenario serves.
fn served(scenario: &Scenario) -> Served {
    let regions = scenario.regions.iter().map(|region| Region::from(region.name.as_str()));
    let metered = scenario.quotas.iter().map(|quota| Route::new(quota.region.as_str(), quota.model.as_str()));
    Served { regions: regions.collect(), metered: metered.collect() }
}

/// Regions and models: flags, else the file, else what the simulator serves; on AWS the SDK's own Region variables.
fn places(global: &Global, config: &Config, simulated: bool, served: &Served) -> (Vec<Region>, Vec<String>) {
    let first = |flag: &[String], file: &[String]| if flag.is_empty() { file.to_vec() } else { flag.to_vec() };
    let mut regions = first(&global.regions, &config.regions);
    let mut models = first(&global.models, &config.models);
    if simulated {
        if models.is_empty() {
            // The model of the scenario's first quota, in the Regions that were named if it has any there.
            let here =
                |route: &&Route| regions.is_empty() || regions.iter().any(|region| region == route.region.as_str());
            let first = served.metered.iter().find(here).or(served.metered.first());
            models.push(first.map_or_else(|| DEMO_MODEL.to_string(), |route| route.model.to_string()));
        }
        if regions.is_empty() {
            let used = |route: &&Route| models.iter().any(|model| model == route.model.as_str());
            regions.extend(served.metered.iter().filter(used).map(|route| route.region.to_string()));
        }
        if regions.is_empty() {
            regions = served.regions.iter().map(ToString::to_string).collect();
        }
        if regions.is_empty() {
            regions.push("us-east-1".to_string());
        }
    } else if regions.is_empty() {
        let named = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        regions.extend(named("AWS_REGION").or_else(|| named("AWS_DEFAULT_REGION")));
    }
    let mut seen: Vec<Region> = Vec::new();
    for region in regions {
        let region = Region::from(region.trim());
        if !seen.contains(&region) {
            seen.push(region);
        }
    }
    (seen, models)
}

fn connection(config: &Config) -> ConnectionSettings {
    let mut settings = ConnectionSettings::default();
    if let Some(seconds) = config.connection.connect_timeout_s {
        settings.connect_timeout = Duration::from_secs_f64(seconds);
    }
    settings
}

/// Quotas of the file, for what Service Quotas did not tell (A1).
fn by_hand(setup: &mut RouteSetup, quotas: &[QuotaByHand], rpm_told: bool, tpm_told: bool) {
    let Route { region, model } = &setup.route;
    let here = |quota: &&QuotaByHand| {
        (quota.region.is_empty() || quota.region == region.as_str())
            && (quota.model.is_empty() || quota.model == model.as_str())
    };
    let Some(quota) = quotas.iter().find(here) else { return };
    let before = setup.quota;
    if let Some(rpm) = quota.rpm.filter(|_| !rpm_told) {
        setup.quota.rpm = QuotaLimit::Limit(rpm);
    }
    if let Some(tpm) = quota.tpm.filter(|_| !tpm_told) {
        setup.quota.tpm = QuotaLimit::Limit(tpm);
    }
    if setup.quota != before {
        setup.quota_source = format!("config; {}", setup.quota_source);
    }
}

fn adapt(said: &Adaptive, knobs: &mut AdaptiveKnobs) {
    knobs.backoff = said.backoff.unwrap_or(knobs.backoff);
    knobs.return_seconds = said.return_s.unwrap_or(knobs.return_seconds);
    knobs.probe_seconds = said.probe_s.unwrap_or(knobs.probe_seconds);
    knobs.probe_growth = said.probe_growth_percent.map_or(knobs.probe_growth, |percent| 1.0 + percent / 100.0);
    knobs.requests_per_probe = said.requests_per_probe.map_or(knobs.requests_per_probe, f64::from);
    knobs.meter = said.meter.unwrap_or(knobs.meter);
}

/// The engine's settings at the start.
#[must_use]
pub fn settings(config: &Config, simulated: bool) -> EngineSettings {
    let mut settings = EngineSettings::default();
    // A4: on a real account others live too.
    settings.limiter.share = if simulated { 1.0 } else { 0.8 };
    if let Some(preset) = config.limits.preset {
        settings.set_preset(preset);
    }
    if let Some(share) = config.limits.share {
        settings.limiter.share = share / 100.0;
    }
    if let Some(concurrency) = config.limits.concurrency {
        settings.concurrency = concurrency;
    }
    settings.limiter.probe_above_quota = config.limits.probe_above_quota;
    adapt(&config.limits.adaptive, &mut settings.limiter.adaptive);
    settings.spill = config.limits.spill;
    settings.round_robin = config.limits.routing.as_deref() == Some("round-robin");
    if let Some(attempts) = config.retry.max_attempts {
        settings.max_attempts = attempts;
    }
    if let Some(seconds) = config.retry.base_s {
        settings.retry_base = Micros::from_secs_f64(seconds);
    }
    if let Some(seconds) = config.retry.cap_s {
        settings.retry_cap = Micros::from_secs_f64(seconds);
    }
    if let Some(percent) = config.retry.budget_percent {
        settings.retry_budget_percent = percent;
    }
    if let Some(seconds) = config.connection.attempt_timeout_s {
        settings.attempt_timeout = Duration::from_secs_f64(seconds);
    }
    if let Some(seconds) = config.connection.stream_gap_s {
        settings.stream_gap = Duration::from_secs_f64(seconds);
    }
    settings
}
