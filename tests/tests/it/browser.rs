//! The page in a real Chromium: every flow is a file in `mlbench-server/dashboard/browser/`.

use std::collections::BTreeSet;
use std::fs;

use mlbench_tests::{dashboard, run_flow, tools};

macro_rules! flows {
    ($($test:ident: $flow:literal,)+) => {
        const FLOWS: &[&str] = &[$($flow),+];

        $(#[tokio::test]
        async fn $test() {
            let Some(chromium) = tools::chromium() else { return };
            run_flow($flow, &chromium).await;
        })+
    };
}

flows! {
    every_page_is_clean_and_accessible: "pages",
    a_token_signs_in_and_out: "login",
    the_page_works_below_a_path_of_a_proxy: "prefix",
    a_page_survives_a_dead_server_and_a_cut_network: "broken",
    many_tabs_share_one_stream: "tabs",
    hostile_names_and_output_are_text: "hostile",
    a_new_user_trains_compares_and_deletes: "training",
    keys_alone_do_everything: "keyboard",
    the_focus_is_never_lost: "focus",
    the_flows_wait_for_what_is_loading: "settle",
    a_search_leads_to_its_line: "log",
    accuracy_and_loss_sort_the_list: "sort",
    parameters_and_tags_are_given_shown_and_found: "labels",
}

#[test]
fn every_flow_has_a_test() {
    let files = fs::read_dir(dashboard().join("browser")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let found: BTreeSet<String> =
        names.filter_map(|name| name.strip_suffix(".test.ts").map(str::to_owned)).collect();
    assert_eq!(found, FLOWS.iter().map(|flow| (*flow).to_owned()).collect());
}
