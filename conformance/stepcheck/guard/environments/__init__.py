"""Where a release of torch comes from: releases, their environments, and the worker's sources inside them."""
