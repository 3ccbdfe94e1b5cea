use clap::Args;

/// How to find a server that runs in Kubernetes.
#[derive(Debug, Clone, Args)]
pub(crate) struct KubeArgs {
    /// Connect through a kubectl port-forward to a server in Kubernetes, instead of to --url
    #[arg(long, global = true, display_order = 902)]
    pub(crate) kube: bool,
    /// Context of kubectl [default: the current context]
    #[arg(long, global = true, display_order = 903, value_name = "CONTEXT", requires = "kube")]
    pub(crate) kube_context: Option<String>,
    /// Namespace of the server [default: the namespace of the context]
    #[arg(long, global = true, display_order = 904, value_name = "NAMESPACE", requires = "kube")]
    pub(crate) kube_namespace: Option<String>,
    /// Release of the server, if the namespace has several
    #[arg(long, global = true, display_order = 905, value_name = "NAME", requires = "kube")]
    pub(crate) kube_release: Option<String>,
}
