#include "train/ranking.h"
