"""Why a buyer complains: training and measuring of the weights that ``plugins/text_reason`` reads with."""
