//! Which value holds, and who said it: for the settings screen and `config check`.

use std::process::ExitCode;

use serde_json::json;

use crate::config::{Config, Effective, Layers, Origin, Paths, Said};
use crate::engine::{RouteSetup, TargetInfo};

use super::args::Global;
use super::problem::Problem;
use super::{say, session};

/// What is known once the target has been opened.
pub struct Opened<'a> {
    /// The target.
    pub info: &'a TargetInfo,
    /// The routes.
    pub routes: &'a [RouteSetup],
    /// `--slow-link`.
    pub slow_link: bool,
    /// What flags of the command alone say.
    pub flags: Vec<Said>,
}

/// A switch of a command that was given.
pub fn switched(key: &'static str, flag: &str, given: bool) -> Option<Said> {
    given.then(|| Said { key, value: "true".to_owned(), origin: Origin::Flag(flag.to_owned()) })
}

/// Every value in force. Without an opened target what it would say is left to the defaults' words.
pub fn effective(global: &Global, config: &Config, opened: Option<&Opened<'_>>) -> Vec<Effective> {
    let mut flags = flags(global);
    flags.extend(opened.iter().flat_map(|opened| opened.flags.iter().cloned()));
    let layers = Layers { flags, file: config.source.clone(), found: found(global, config, opened) };
    let mut all = layers.effective();
    if let Some(Opened { info, .. }) = opened
        && info.read_only
        && let Some(row) = all.iter_mut().find(|row| row.key == "read_only" && row.value == "false")
    {
        let key = format!("accounts.{}.read_only", info.account.as_deref().unwrap_or_default());
        row.value = "true".to_owned();
        row.origin = config.source.origin(&key).unwrap_or_else(|| Origin::Found("the account".to_owned()));
    }
    all.extend(surroundings(global, opened.is_some_and(|opened| opened.slow_link)));
    all
}

/// A list as the file writes it.
fn list<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = texts.map(|text| toml::Value::String(text.to_owned()).to_string()).collect();
    format!("[{}]", quoted.join(", "))
}

fn flags(global: &Global) -> Vec<Said> {
    let mut all = Vec::new();
    let mut say = |key, flag: &str, value: Option<String>| {
        all.extend(value.map(|value| Said { key, value, origin: Origin::Flag(flag.to_owned()) }));
    };
    let some = |texts: &[String]| (!texts.is_empty()).then(|| list(texts.iter().map(String::as_str)));
    say("target", "--target", global.target.clone());
    say("profile", "--profile", global.profile.clone());
    say("regions", "--region", some(&global.regions));
    say("models", "--model", some(&global.models));
    say("read_only", "--read-only", global.read_only.then(|| "true".to_owned()));
    say("theme", "--theme", global.theme.clone());
    all
}

/// A variable that is set to something.
fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()).filter(|value| !value.is_empty())
}

/// What the environment says to whom it is asked, and what the target said.
fn found(global: &Global, config: &Config, opened: Option<&Opened<'_>>) -> Vec<Said> {
    let mut all = Vec::new();
    let named = session::named_target(global, config);
    let simulated = opened.map_or_else(|| named.as_deref().is_none_or(|name| name == "sim"), |it| it.info.simulated);
    let mut say = |key, value: Option<String>, origin: Origin| {
        all.extend(value.map(|value| Said { key, value, origin }));
    };
    if !simulated {
        // A simulator never reads the credential chain.
        say("profile", variable("AWS_PROFILE"), Origin::Environment("AWS_PROFILE".to_owned()));
        for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
            let region = variable(name).map(|region| list(std::iter::once(region.as_str())));
            say("regions", region, Origin::Environment(name.to_owned()));
        }
    }
    if simulated {
        say("profile", Some("none".to_owned()), Origin::Found("a simulator asks for none".to_owned()));
    }
    let Some(Opened { info, routes, .. }) = opened else { return all };
    let place = if simulated { "the scenario" } else { "the AWS profile" };
    if !info.regions.is_empty() {
        let regions = list(info.regions.iter().map(|region| region.as_str()));
        say("regions", Some(regions), Origin::Found(place.to_owned()));
    }
    let mut models: Vec<&str> = Vec::new();
    for route in *routes {
        if !models.contains(&route.route.model.as_str()) {
            models.push(route.route.model.as_str());
        }
    }
    if !models.is_empty() {
        say("models", Some(list(models.into_iter())), Origin::Found(place.to_owned()));
    }
    say("profile", info.profile.clone(), Origin::Found("the AWS SDK".to_owned()));
    all
}

/// What has no key in the file: where things lie, and what the terminal says.
fn surroundings(global: &Global, slow_link: bool) -> Vec<Effective> {
    let row = |name: &str, value: String, origin: Origin, meaning: &str, allowed: &str, default: &str| Effective {
        key: String::new(),
        name: name.to_owned(),
        group: "Surroundings".to_owned(),
        value,
        unit: String::new(),
        origin,
        meaning: meaning.to_owned(),
        allowed: allowed.to_owned(),
        default: default.to_owned(),
        quoted: false,
    };
    let by = |name: &str| variable(name).map_or(Origin::Default, |_| Origin::Environment(name.to_owned()));
    let path = session::config_path(global).map_or_else(|| "none".to_owned(), |path| path.display().to_string());
    let file = if global.config.is_some() { Origin::Flag("--config".to_owned()) } else { by("XDG_CONFIG_HOME") };
    let state = Paths::find().map_or_else(|| "none".to_owned(), |paths| paths.state.display().to_string());
    let plain = variable("NO_COLOR").is_some();
    let slow = match variable("BEDROCK_TOP_SLOW_LINK") {
        _ if slow_link => Origin::Flag("--slow-link".to_owned()),
        Some(_) => Origin::Environment("BEDROCK_TOP_SLOW_LINK".to_owned()),
        None => Origin::Default,
    };
    vec![
        row("configuration file", path, file, "Where these keys are read.", "a path", "in ~/.config/bedrock-top"),
        row(
            "state folder",
            state,
            by("XDG_STATE_HOME"),
            "Journals, incidents, and what is kept of the console.",
            "a path",
            "in ~/.local/state/bedrock-top",
        ),
        row(
            "colours",
            if plain { "none" } else { "as the terminal has" }.to_owned(),
            by("NO_COLOR"),
            "Whether colours are sent.",
            "NO_COLOR=1 for none",
            "as the terminal has",
        ),
        row(
            "terminal",
            variable("TERM").unwrap_or_else(|| "none".to_owned()),
            by("TERM"),
            "What the terminal can do is told by this.",
            "what terminfo knows",
            "none",
        ),
        row(
            "slow link",
            (slow != Origin::Default).to_string(),
            slow,
            "At most two frames a second.",
            "true, false",
            "false",
        ),
    ]
}

/// `config check`: no errors, and every value in force with who said it.
///
/// # Errors
/// Everything that is wrong with the file.
pub fn check(global: &Global) -> Result<ExitCode, Problem> {
    let config = session::configuration(global)?;
    let file = session::config_path(global).filter(|path| path.exists());
    if let (Some(theme), Some(path)) = (&config.theme, &file) {
        session::known_theme(&format!("{}: theme", path.display()), theme)?;
    }
    let all = effective(global, &config, None);
    if global.json {
        let file = file.map(|path| path.display().to_string());
        let settings: Vec<_> = all.iter().map(|row| json!({
            "key": row.key, "name": row.name, "group": row.group, "value": row.value, "unit": row.unit,
            "origin": row.origin, "from": row.origin.to_string(), "allowed": row.allowed, "default": row.default,
        })).collect();
        say::result(format_args!("{}\n", json!({ "file": file, "errors": [], "settings": settings })));
        return Ok(ExitCode::SUCCESS);
    }
    match file {
        Some(path) => say::result(format_args!("{}: no errors\n", path.display())),
        None => say::result(format_args!("no configuration file; the defaults hold\n")),
    }
    let mut group = "";
    for row in &all {
        if row.group != group {
            group = &row.group;
            say::result(format_args!("\n{group}\n"));
        }
        say::result(format_args!("  {:<24} {:<32} {}\n", row.name, row.shown(), row.origin));
    }
    Ok(ExitCode::SUCCESS)
}
