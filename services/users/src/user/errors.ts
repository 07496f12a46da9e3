/** What a user's decider refuses. */
export abstract class UserError extends Error {
  abstract readonly code: string
}

/** An id is used once, also after its user is gone: what others keep under it must not become another person's. */
export class UserExistsError extends UserError {
  override readonly name = 'UserExistsError'
  readonly code = 'user_exists'
  constructor() {
    super('There is or was a user of this id, and an id is used once.')
  }
}

export class UserNotFoundError extends UserError {
  override readonly name = 'UserNotFoundError'
  readonly code = 'user_not_found'
  constructor() {
    super('There is no user of this id.')
  }
}

export class UserDeletedError extends UserError {
  override readonly name = 'UserDeletedError'
  readonly code = 'user_deleted'
  constructor() {
    super('This user was deleted. The history has what happened before.')
  }
}

export class UserErasedError extends UserError {
  override readonly name = 'UserErasedError'
  readonly code = 'user_erased'
  constructor() {
    super('This user was erased: what was personal cannot be read any more, by anybody.')
  }
}

/** A flag more than a user may have. */
export class TooManyFlagsError extends UserError {
  override readonly name = 'TooManyFlagsError'
  readonly code = 'too_many_flags'
  constructor(most: number) {
    super(`A user has ${most} flags at most; take some away with null.`)
  }
}
