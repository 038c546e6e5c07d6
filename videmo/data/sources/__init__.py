"""Sources of recordings, one module (or package) a source: `recordings(config, work)` yields Recording or Rejected."""
