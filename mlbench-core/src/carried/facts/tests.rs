use super::*;
use crate::run::NewRun;

fn ended() -> Run {
    let new = NewRun::new(RunName::new("first").unwrap(), Uuid::nil(), RunSpec::running("train --lr 0.1"));
    let at = Timestamp::from_micros(1_500_000);
    let lost = RankStatus { lost: Some("gone".to_owned()), ..RankStatus::new(1) };
    Run {
        id: RunId::new(7).unwrap(),
        name: new.name,
        created_at: Timestamp::from_micros(1),
        admitted_at: None,
        finished_at: Some(at),
        state: RunState::Failed,
        job_id: new.job_id,
        spec: RunSpec { num_cpus: Some(0.1 + 0.2), ..new.spec },
        params: Params::new([Params::parse_one("lr=1e-4").unwrap()]).unwrap(),
        tags: Tags::new([("team".to_owned(), "ü\r".to_owned())]).unwrap(),
        workers: Vec::new(),
        ranks: vec![RankStatus { exit_code: Some(-9), stdout_offset: 12, ..RankStatus::new(0) }, lost],
        stop_requested_at: None,
        outcome: Some(RunOutcome { event: RunEvent::Fail, reason: Some("rank 0".to_owned()), at }),
        imported_from: None,
    }
}

fn origin() -> Origin {
    Origin { server: "f00".to_owned(), host: "box".to_owned(), run_id: RunId::new(7).unwrap() }
}

fn changed(change: impl FnOnce(&mut Value)) -> Result<RunFacts> {
    let mut value = serde_json::to_value(RunFacts::of(ended(), origin()).unwrap()).unwrap();
    change(&mut value);
    RunFacts::parse(value.to_string().as_bytes())
}

#[test]
fn facts_survive_two_servers_to_the_byte() {
    let first = RunFacts::of(ended(), origin()).unwrap().to_json().unwrap();
    let imported = RunFacts::parse(&first).unwrap().into_run(RunId::new(1).unwrap(), Timestamp::MAX).unwrap();
    assert_eq!(Run { id: RunId::new(7).unwrap(), imported_from: None, ..imported.clone() }, ended());
    let elsewhere = Origin { server: "other".to_owned(), ..origin() };
    assert_eq!(RunFacts::of(imported, elsewhere).unwrap().to_json().unwrap(), first);
}

#[test]
fn an_active_run_is_not_exported() {
    let active = Run { state: RunState::Started, finished_at: None, outcome: None, ..ended() };
    let refusal = RunFacts::of(active, origin()).unwrap_err();
    assert_eq!(refusal.detail(), "run 7 is active (STARTED); export it when it has ended, or stop it");
}

#[test]
fn what_would_be_lost_is_refused_by_name() {
    let refused = |change: fn(&mut Value)| changed(change).unwrap_err().detail().to_owned();
    let newer = refused(|facts| facts["spec"]["colour"] = "blue".into());
    assert!(newer.starts_with("run.json: \"spec.colour\": this server does not know it"), "{newer}");
    let newer = refused(|facts| facts["ranks"][1]["attempt"] = 2.into());
    assert!(newer.starts_with("run.json: \"ranks.1.attempt\""), "{newer}");
    assert!(changed(|facts| facts["spec"]["colour"] = Value::Null).is_ok(), "nothing is lost");
}

#[test]
fn other_versions_and_impossible_values_are_refused_by_name() {
    for (start, change) in [
        ("run.json: version: is 2", (|facts| facts["version"] = 2.into()) as fn(&mut Value)),
        ("run.json: format: must be mlbench-run", |facts| facts["format"] = "tar".into()),
        ("run.json: state: must be", |facts| facts["state"] = "STARTED".into()),
        ("run.json: state: must be", |facts| facts["state"] = "BLUE".into()),
        ("run.json: ranks: must be in order", |facts| facts["ranks"][1]["rank"] = 0.into()),
        ("run.json: spec.num_workers", |facts| facts["spec"]["num_workers"] = 0.into()),
        ("run.json: missing field `name`", |facts| drop(facts.as_object_mut().unwrap().remove("name"))),
        ("tags: ", |facts| facts["tags"] = serde_json::json!({"": "x"})),
    ] {
        let refusal = changed(change).unwrap_err();
        assert!(refusal.detail().starts_with(start), "{refusal}");
    }
    assert!(RunFacts::parse(b"[").unwrap_err().detail().starts_with("run.json: "));
}
