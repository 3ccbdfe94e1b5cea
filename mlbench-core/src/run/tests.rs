use proptest::prelude::*;

use super::*;

#[test]
fn the_state_of_an_ended_run_never_changes() {
    for state in RunState::ALL.into_iter().filter(|state| !state.is_active()) {
        for event in [RunEvent::Start, RunEvent::Finish, RunEvent::Fail, RunEvent::Stop] {
            assert_eq!(state.after(event), None, "{state} after {event:?}");
        }
    }
}

#[test]
fn a_run_starts_once_and_finishes_only_after_it_started() {
    assert_eq!(RunState::Initialized.after(RunEvent::Start), Some(RunState::Started));
    assert_eq!(RunState::Started.after(RunEvent::Start), None);
    assert_eq!(RunState::Initialized.after(RunEvent::Finish), None);
    assert_eq!(RunState::Started.after(RunEvent::Finish), Some(RunState::Finished));
}

#[test]
fn an_active_run_can_always_fail_and_be_stopped() {
    for state in [RunState::Initialized, RunState::Started] {
        assert_eq!(state.after(RunEvent::Fail), Some(RunState::Failed));
        assert_eq!(state.after(RunEvent::Stop), Some(RunState::Stopped));
    }
}

#[test]
fn every_state_parses_from_its_name() {
    for state in RunState::ALL {
        assert_eq!(state.as_str().parse::<RunState>().unwrap(), state);
        assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
    }
}

#[test]
fn an_unknown_word_on_the_wire_is_kept_apart_from_known_ones() {
    assert_eq!(serde_json::from_str::<RunState>(r#""PAUSED""#).unwrap(), RunState::Unknown);
    assert_eq!(serde_json::from_str::<OutputStream>(r#""stdlog""#).unwrap(), OutputStream::Unknown);
    assert!("PAUSED".parse::<RunState>().is_err() && "UNKNOWN".parse::<RunState>().is_err());
    for event in [RunEvent::Start, RunEvent::Finish, RunEvent::Fail, RunEvent::Stop] {
        assert_eq!(RunState::Unknown.after(event), None);
    }
}

#[test]
fn mpi_starts_on_the_first_worker_and_gloo_on_all() {
    let custom = |run_all_nodes| Backend::Custom { name: "x".to_owned(), run_all_nodes };
    assert!(Backend::Mpi.first_worker_only() && custom(false).first_worker_only());
    assert!(
        !Backend::Gloo.first_worker_only()
            && !Backend::Nccl.first_worker_only()
            && !custom(true).first_worker_only()
    );
}

proptest! {
    #[test]
    fn the_numbers_of_a_spec_survive_its_json(number in any::<f64>()) {
        let spec = RunSpec { num_cpus: Some(number), max_bandwidth: Some(number), ..RunSpec::running("p") };
        let json = serde_json::to_string(&spec).unwrap();
        prop_assert_eq!(serde_json::from_str::<RunSpec>(&json).unwrap(), spec);
    }
}
