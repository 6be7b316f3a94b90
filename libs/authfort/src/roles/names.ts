/** What a role or a permission may be called: `invalid_role` and `invalid_permission` say it in words. */
export const NAME = /^[\w.:-]{1,64}$/;
