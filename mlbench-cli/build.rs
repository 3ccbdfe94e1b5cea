//! Passes the commit of this build to `src/version.rs`.

#[path = "../build/commit.rs"]
mod commit;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    for instruction in commit::instructions() {
        println!("{instruction}");
    }
}
