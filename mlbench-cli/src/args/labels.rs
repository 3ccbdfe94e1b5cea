use clap::Args;
use mlbench_client::{ParamValue, Params, Tags};

/// Parameters and tags of a run.
#[derive(Debug, Default, Args)]
pub(crate) struct LabelArgs {
    /// Parameter, such as lr=0.1, opt=adam or deep=true. Repeat the flag for several
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = Params::parse_one)]
    pub(crate) params: Vec<(String, ParamValue)>,
    /// Tag, such as team=vision. Repeat the flag for several
    #[arg(long = "tag", value_name = "NAME=VALUE", value_parser = Tags::parse_one)]
    pub(crate) tags: Vec<(String, String)>,
}
