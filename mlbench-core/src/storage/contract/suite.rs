//! All tests of the contract.

use super::fixtures::{at, code, new_run, ok};
use super::{
    batches, changes, experiments, external, finding, goals, labels, metrics, output, queue, reading, runs,
    values,
};
use crate::error::ErrorCode;
use crate::storage::storage_trait::Storage;

/// Tests an implementation of [`Storage`]. `open` creates an empty store.
///
/// # Panics
/// If the store violates the contract.
pub async fn storage_contract<S: Storage>(open: impl AsyncFn() -> S) {
    runs::a_run_passes_through_its_lifecycle(&open().await).await;
    runs::first_decisions_are_final(&open().await).await;
    runs::no_date_of_a_run_is_before_its_start(&open().await).await;
    runs::one_of_many_concurrent_starts_succeeds(&open().await).await;
    runs::a_deleted_run_is_gone_and_its_id_is_not_reused(&open().await).await;
    runs::a_deleted_active_run_holds_its_workers_until_teardown(&open().await).await;
    runs::a_repeated_start_starts_one_run(&open().await).await;
    goals::the_first_point_at_its_goal_finishes_a_run(&open().await).await;
    goals::a_goal_reached_before_the_start_counts_from_then(&open().await).await;
    goals::other_runs_go_on_beyond_their_goal(&open().await).await;
    labels::parameters_are_added_and_tags_change(&open().await).await;
    labels::a_refused_update_changes_nothing(&open().await).await;
    external::an_external_run_is_started_beside_others_and_ends_as_it_says(&open().await).await;
    external::an_external_run_is_stopped_and_deleted_at_once(&open().await).await;
    external::sent_lines_are_stored_once(&open().await).await;
    external::a_silent_run_ends_unless_something_arrived(&open().await).await;
    external::a_run_that_is_not_watched_is_never_silent(&open().await).await;
    experiments::an_experiment_is_created_once_and_changes(&open().await).await;
    experiments::an_experiment_is_found_by_number_and_name(&open().await).await;
    finding::runs_are_found_by_what_they_are(&open().await).await;
    finding::pages_of_every_order_have_each_run_once(&open().await).await;
    queue::runs_are_admitted_first_come_first_served(&open().await).await;
    queue::a_worker_is_held_by_one_run_at_a_time(&open().await).await;
    queue::a_deleted_queued_run_needs_no_teardown(&open().await).await;
    queue::a_token_is_valid_until_its_run_ends(&open().await).await;
    output::lines_are_read_in_order_and_in_parts(&open().await).await;
    output::a_chunk_at_another_offset_has_no_effect(&open().await).await;
    metrics::pods_are_the_latest_set(&open().await).await;
    metrics::a_pod_that_left_keeps_its_metrics(&open().await).await;
    metrics::unknown_owners_are_refused(&open().await).await;
    metrics::values_are_preserved_byte_for_byte(&open().await).await;
    metrics::points_are_ordered_by_name_date_and_arrival(&open().await).await;
    metrics::queries_filter_summarize_and_limit(&open().await).await;
    metrics::a_repeated_metric_is_stored_once(&open().await).await;
    reading::points_are_found_by_arrival_whatever_their_date(&open().await).await;
    reading::a_snapshot_does_not_change_while_points_arrive(&open().await).await;
    reading::a_list_names_the_runs_with_new_points(&open().await).await;
    reading::a_pod_that_returns_shows_the_points_of_its_absence(&open().await).await;
    reading::details_hold_all_fields_of_a_point(&open().await).await;
    reading::a_query_may_name_several_series(&open().await).await;
    reading::a_series_is_downsampled_by_every_method(&open().await).await;
    reading::a_point_that_downsampling_keeps_is_the_one_that_was_posted(&open().await).await;
    reading::the_summary_of_a_series_matches_its_points(&open().await).await;
    values::newest_values_of_all_runs_are_one_read(&open().await).await;
    values::pages_of_values_end_at_their_limit(&open().await).await;
    batches::a_batch_stores_valid_points_and_reports_the_others(&open().await).await;
    batches::a_series_in_columns_is_stored_like_its_points(&open().await).await;
    batches::a_repeated_batch_replays_the_first_result(&open().await).await;
    batches::a_batch_key_belongs_to_its_holder(&open().await).await;
    batches::batch_chunks_and_single_metrics_have_separate_keys(&open().await).await;
    changes::changes_have_one_order(&open().await).await;
    changes::a_deletion_is_a_change(&open().await).await;
    changes::a_change_of_a_run_names_the_queue(&open().await).await;
    writes_after_close_are_refused(&open().await).await;
}

async fn writes_after_close_are_refused(store: &dyn Storage) {
    ok(store.ping().await);
    ok(store.close().await);
    let refused = store.start_run_unless_active(new_run("late"), at(1)).await;
    assert_eq!(code(refused), ErrorCode::Unavailable);
}
