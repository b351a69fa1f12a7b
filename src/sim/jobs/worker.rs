//! The thread that runs the batch jobs of an account.
//!
//! It is one thread beside the one that serves HTTP, so that work in bulk never keeps a reply waiting, and gives each job
//! a small slice in turn. It stays within each job's rate in service time; where that runs faster than this machine
//! works, the counts say what is really done.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::record::{Micros, Usage};

use super::super::world::World;
use super::backlog::Backlog;
use super::book::{Jobs, Order};
use super::input::{Input, Line, Lines, Validation, Verdict};
use super::lifecycle::{Lifecycle, STOPPING, SUBMITTED, Status};
use super::limits::Limits;
use super::record::answer;
use super::results::{Results, put_manifest};
use super::seed;

/// Records and lines to validate of one slice: a few milliseconds.
const SLICE: u64 = 64;
const LINES: usize = 1_024;
/// The shortest rest. At high speeds something is always due.
const SHORTEST: Duration = Duration::from_millis(2);
const LONGEST: Duration = Duration::from_secs(3_600);
/// Records come due one by one; they are done together that come due within this time of the service.
const TOGETHER: Micros = Micros(250_000);

/// When a job needs the worker again.
enum Next {
    /// At once.
    Now,
    /// Not before.
    At(Micros),
    /// Never.
    Over,
}

/// Runs jobs until the simulator ends.
pub(in crate::sim) fn work(world: &World) {
    let jobs = &world.jobs;
    let mut runs: Vec<Option<Run>> = Vec::new();
    let began = world.began();
    let mut backlog = Backlog::new(began);
    while let Some(news) = jobs.news(runs.len()) {
        for order in news.orders {
            runs.push(Some(Run::new(runs.len(), order)));
        }
        // First what has happened before the start, as if it had been seen to at its time.
        let live = jobs.is_caught_up();
        let now = if live { world.service_time() } else { began };
        let mut next = Micros::MAX;
        let mut busy = false;
        for place in &mut runs {
            let Some(run) = place else { continue };
            match run.step(world, now) {
                Next::Now => busy = true,
                Next::At(at) => next = next.min(at),
                Next::Over => *place = None,
            }
        }
        backlog.tell(world, now);
        if !live {
            if !busy {
                backlog.take_as_told(world, now);
                jobs.set_caught_up();
            }
        } else if !busy {
            let next = backlog.due(world, now).map_or(next, |due| next.min(due));
            let wait = next.since(world.service_time()).secs_f64() / world.scenario.speed;
            let wait = Duration::try_from_secs_f64(wait).unwrap_or(LONGEST).clamp(SHORTEST, LONGEST);
            jobs.rest(news.rung, wait);
        }
    }
}

/// A job at work.
struct Run {
    job: usize,
    order: Arc<Order>,
    phase: Phase,
}

enum Phase {
    Waiting,
    Validating {
        input: Input,
        validation: Validation,
        limits: Limits,
    },
    /// Validated, and not told before its time.
    Judged {
        input: Option<Input>,
        records: u64,
        verdict: Result<u64, String>,
    },
    Working(Box<Work>),
}

/// The records of a job, as far as they are done.
struct Work {
    input: Input,
    file: usize,
    lines: Option<Lines>,
    results: Option<Results>,
    line: Vec<u8>,
    done: u64,
    used: Usage,
}

impl Run {
    fn new(job: usize, order: Arc<Order>) -> Run {
        Run { job, order, phase: Phase::Waiting }
    }

    /// Does a slice of what is due.
    fn step(&mut self, world: &World, now: Micros) -> Next {
        let jobs = &world.jobs;
        let Some(life) = jobs.life(self.job) else { return Next::Over };
        if life.status(now).is_final() {
            return Next::Over;
        }
        // What was due before the simulator began has happened when it was due.
        let stamp = |due: Micros| if due <= world.began() { due } else { now };
        if let Some(asked) = life.stop_asked() {
            let due = asked + STOPPING;
            if now < due {
                return Next::At(due);
            }
            return self.finish(world, Status::Stopped, now);
        }
        let (deadline, began) = (life.deadline(), world.began());
        if now >= deadline && deadline > began {
            return self.out_of_time(world, &life, now);
        }
        match &mut self.phase {
            Phase::Waiting => {
                let due = life.submitted() + SUBMITTED;
                if now < due {
                    return Next::At(due);
                }
                self.begin(world);
                Next::Now
            }
            Phase::Validating { input, validation, limits } => {
                let verdict = match validation.advance(input, limits, LINES) {
                    Verdict::More => return Next::Now,
                    Verdict::Good(records) => Ok(records),
                    Verdict::Bad(why) => Err(why),
                };
                let records = validation.records();
                let input = std::mem::replace(input, Input { files: Vec::new() });
                self.phase = Phase::Judged { input: Some(input), records, verdict };
                Next::Now
            }
            Phase::Judged { input, records, verdict } => {
                let due = life.validation_ends(*records);
                if now < due {
                    return Next::At(due);
                }
                let at = stamp(due);
                match (input.take(), verdict) {
                    (Some(input), Ok(total)) => {
                        let total = *total;
                        // Asked to stop meanwhile, it is not validated: the next step sees to it.
                        let _ = jobs.change(self.job, |job| job.life.validate(total, at));
                        self.phase = Phase::Working(Box::new(Work::new(input)));
                        Next::Now
                    }
                    (_, verdict) => {
                        let why = verdict.as_ref().err().cloned().unwrap_or_default();
                        self.fail(jobs, why, at)
                    }
                }
            }
            Phase::Working(work) => {
                let Some(starts) = life.starts() else { return Next::Now };
                if now < starts {
                    return Next::At(starts);
                }
                let (total, done) = (life.counts().total, work.done);
                if done == total {
                    let at = stamp(life.due(total).unwrap_or(now));
                    return self.finish(world, Status::Completed, at);
                }
                let allowed = life.allowance(if deadline <= began { deadline } else { now });
                if allowed <= done {
                    return match life.due(done + 1) {
                        Some(due) if deadline > began => {
                            let last = life.due(total).map_or(deadline, |last| last.min(deadline));
                            Next::At(due.max((now + TOGETHER).min(last)).max(now + Micros(1)))
                        }
                        _ => self.out_of_time(world, &life, deadline),
                    };
                }
                match work.advance(world, &self.order, (allowed - done).min(SLICE), now) {
                    Ok((succeeded, failed)) => {
                        let used = work.used;
                        let _ = jobs.change(self.job, |job| {
                            job.used = used;
                            job.life.progress(succeeded, failed, now)
                        });
                        Next::Now
                    }
                    Err(error) => self.fail(jobs, format!("The output can't be written: {error}."), now),
                }
            }
        }
    }

    /// Finds the input, or what stands in the way.
    fn begin(&mut self, world: &World) {
        let order = &self.order;
        if let Some(records) = order.made_up {
            // If it cannot be written, the job finds no input and says so.
            let _ = seed::write_input(world, order, records);
        }
        let limits = Limits::of(world, &order.region, &order.model.id);
        let own_role = format!(":iam::{}:", world.scenario.account);
        let found = if !order.role.contains(&own_role) {
            Err(format!("The role {} can't be assumed by Amazon Bedrock.", order.role))
        } else if order.doomed {
            Err("There is not enough capacity to run the batch inference job.".to_owned())
        } else {
            Input::find(&world.objects, &order.input, &limits)
        };
        self.phase = match found {
            Ok(input) => Phase::Validating { input, validation: Validation::new(), limits },
            Err(why) => Phase::Judged { input: None, records: 0, verdict: Err(why) },
        };
    }

    fn out_of_time(&mut self, world: &World, life: &Lifecycle, at: Micros) -> Next {
        let end = if life.counts().processed() > 0 { Status::PartiallyCompleted } else { Status::Expired };
        self.finish(world, end, at)
    }

    /// Puts what there is into S3; then the job has ended.
    fn finish(&mut self, world: &World, end: Status, at: Micros) -> Next {
        if let Phase::Working(work) = &mut self.phase
            && let Err(error) = work.close(world, &self.order, at)
        {
            return self.fail(&world.jobs, format!("The output can't be written: {error}."), at);
        }
        if let (Phase::Working(work), Some(life)) = (&self.phase, world.jobs.life(self.job)) {
            let Order { output, .. } = &*self.order;
            let key = format!("{}manifest.json.out", output.folder(self.order.id()));
            let put = put_manifest(&world.objects, &output.bucket, &key, life.counts(), work.used, at);
            if let Err(error) = put {
                return self.fail(&world.jobs, format!("The manifest can't be written: {error}."), at);
            }
        }
        match world.jobs.change(self.job, |job| job.life.end(end, at)) {
            // Asked to stop at the last moment: the next step sees to it.
            Some(Err(_)) => Next::Now,
            _ => Next::Over,
        }
    }

    fn fail(&self, jobs: &Jobs, why: String, at: Micros) -> Next {
        let _ = jobs.change(self.job, |job| {
            job.message = Some(why);
            job.life.end(Status::Failed, at)
        });
        Next::Over
    }
}

impl Work {
    fn new(input: Input) -> Work {
        Work { input, file: 0, lines: None, results: None, line: Vec::new(), done: 0, used: Usage::default() }
    }

    /// Does `most` records more, which the input has; how many went well and how many did not.
    fn advance(&mut self, world: &World, order: &Order, most: u64, now: Micros) -> io::Result<(u64, u64)> {
        let (mut succeeded, mut failed) = (0, 0);
        while succeeded + failed < most {
            let lines = match &mut self.lines {
                Some(lines) => lines,
                none => none.insert(self.input.open(self.file)?),
            };
            if !lines.next(&mut self.line)? {
                self.close(world, order, now)?;
                self.file += 1;
                continue;
            }
            let line = Line::parse(&self.line).map_err(io::Error::other)?;
            let answered = answer(world, order, self.done, &line, now);
            let results = match &mut self.results {
                Some(results) => results,
                none => none.insert(Results::new(&world.objects)?),
            };
            results.push(answered.line)?;
            self.used.input = self.used.input.saturating_add(answered.usage.input);
            self.used.output = self.used.output.saturating_add(answered.usage.output);
            self.done += 1;
            if answered.succeeded {
                succeeded += 1;
            } else {
                failed += 1;
            }
        }
        Ok((succeeded, failed))
    }

    /// The output of the present input file becomes an object.
    fn close(&mut self, world: &World, order: &Order, now: Micros) -> io::Result<()> {
        self.lines = None;
        if let (Some(results), Some((key, _))) = (self.results.take(), self.input.files.get(self.file)) {
            let key = format!("{}{}", order.output.folder(order.id()), order.input.result_name(key));
            results.put(&world.objects, &order.output.bucket, &key, now)?;
        }
        Ok(())
    }
}
