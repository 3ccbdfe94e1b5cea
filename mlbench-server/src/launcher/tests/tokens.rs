//! Run tokens, with which workers post metrics.

use std::sync::Arc;

use mlbench_core::{RunId, RunState};

use super::harness::World;
use super::process::{Exit, Script, script};
use crate::token;

fn world(scripts: Vec<Script>) -> World {
    let mut world = World::without_launcher(scripts);
    Arc::make_mut(&mut world.deps.settings).run_tokens = true;
    world.start_launcher();
    world
}

/// Returns the tokens in the environment of the ranks.
fn tokens_of_ranks(world: &World) -> Vec<String> {
    let tasks = world.cluster.tasks();
    let variables = tasks.iter().flat_map(|task| task.env.clone());
    variables.filter(|(name, _)| name == "MLBENCH_TOKEN").map(|(_, value)| value).collect()
}

async fn run_for_token(world: &World, token: &str) -> Option<RunId> {
    world.storage().run_for_token(token::hash(token)).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn all_ranks_share_a_token_that_expires_with_the_run() {
    let world = world(vec![script(Exit::OnTerm); 2]);
    let id = world.start_run().await;
    world.until_started(id).await;
    let tokens = tokens_of_ranks(&world);
    assert_eq!(tokens.len(), 2);
    assert_eq!(tokens[0], tokens[1]);
    assert_eq!(run_for_token(&world, &tokens[0]).await, Some(id));
    world.request_stop(id).await;
    assert_eq!(world.until_ended(id).await.state, RunState::Stopped);
    assert_eq!(run_for_token(&world, &tokens[0]).await, None);
}

#[tokio::test(start_paused = true)]
async fn tokens_stay_valid_when_the_next_server_resumes_a_launch() {
    let mut world = World::without_launcher(vec![script(Exit::OnTerm); 2]);
    Arc::make_mut(&mut world.deps.settings).run_tokens = true;
    let id = world.start_run().await;
    for launched in 1..=2 {
        world.start_launcher();
        world.when(async |world| tokens_of_ranks(world).len() >= launched).await;
        world.kill_launcher().await;
    }
    world.start_launcher();
    world.until_started(id).await;
    for token in tokens_of_ranks(&world) {
        assert_eq!(run_for_token(&world, &token).await, Some(id));
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_without_authentication_creates_no_token() {
    let world = World::new(vec![script(Exit::WithCode(0))]);
    let id = world.start_run().await;
    world.until_ended(id).await;
    assert_eq!(tokens_of_ranks(&world), [""; 0]);
}
