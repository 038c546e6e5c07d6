"""What each part of the method adds: the settings of the ablations, over several seeds of training, on one data set."""
