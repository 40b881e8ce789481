"""The Pulumi program of every stack: the stack's `recipe` setting names what it deploys."""

import stacks

stacks.main()
