use clap::Args;

/// A server that runs in Kubernetes.
#[derive(Debug, Clone, Args)]
pub(crate) struct KubeArgs {
    /// Reach the server in the current context of kubectl, by a port-forward of its, instead of --url
    #[arg(long, global = true, display_order = 902)]
    pub(crate) kube: bool,
    /// Another context of kubectl
    #[arg(long, global = true, display_order = 903, value_name = "CONTEXT", requires = "kube")]
    pub(crate) kube_context: Option<String>,
    /// Another namespace than that of the context
    #[arg(long, global = true, display_order = 904, value_name = "NAMESPACE", requires = "kube")]
    pub(crate) kube_namespace: Option<String>,
    /// The release of the server, where there are several
    #[arg(long, global = true, display_order = 905, value_name = "NAME", requires = "kube")]
    pub(crate) kube_release: Option<String>,
}
